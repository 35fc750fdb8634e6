"""Open Bandit: propensities, positions, items and affinities; one campaign an import."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from adcascade.errors import DataMissingError, InputError, RowError

Lines = Callable[[str, bytes | str], Path]
Reader = Callable[..., pa.Table]
HEAD = (
    ",timestamp,item_id,position,click,propensity_score,user_feature_0,user_feature_1,user_feature_2,user_feature_3,"
    "user-item_affinity_0,user-item_affinity_1\n"
)
ITEMS = ",item_id,item_feature_0,item_feature_1,item_feature_2,item_feature_3\n0,0,-0.5,a,b,c\n1,1,0.25,d,e,f\n"


def row(time: str = "2019-11-24 00:00:01.123456+00:00", item: str = "1", rank: str = "3", chance: str = "0.5") -> str:
    """A line of a campaign's CSV."""
    return f"0,{time},{item},{rank},1,{chance},u0,u1,u2,u3,0.0,2.0\n"


def test_the_published_files_become_samples(lines: Lines, read: Reader) -> None:
    """Position counts from 0, item features are looked up, affinities are one vector; rows are put in order."""
    log = lines("men.csv", HEAD + row("2019-11-24 00:00:09+00:00") + row(item="0", rank="1"))
    table = read("open-bandit", log, lines("item_context.csv", ITEMS))
    first, second = table.to_pylist()
    assert (first["item_id"], first["position"], first["item_feature_0"], first["item_feature_3"]) == (
        "0",
        0,
        -0.5,
        "c",
    )
    assert (second["item_id"], second["position"], second["propensity"]) == ("1", 2, 0.5)
    assert second["affinities"] == [0.0, 2.0]
    assert first["time_us"] % 10**6 == 123_456


@pytest.mark.parametrize(
    ("wrong", "column"),
    [(row(chance="1.5"), "propensity_score"), (row(chance=""), "propensity_score"), (row(rank="0"), "position")],
)
def test_what_is_wrong_is_named(lines: Lines, read: Reader, wrong: str, column: str) -> None:
    """A propensity is a probability and must be there; a position is at least 1."""
    with pytest.raises(RowError) as caught:
        read("open-bandit", lines("men.csv", HEAD + row() + wrong), lines("item_context.csv", ITEMS))
    assert (caught.value.row, caught.value.column) == (2, column)


def test_items_must_be_there(lines: Lines, read: Reader) -> None:
    """Without item_context the error names it."""
    with pytest.raises(DataMissingError, match="item_context"):
        read("open-bandit", lines("men.csv", HEAD + row()))


@pytest.mark.parametrize("campaign", ["men", "women"])
def test_real_logs(data_folder: Path, read: Reader, campaign: str) -> None:
    """Both policies: rows, clicks by policy, propensities and affinities equal those of the raw files."""
    folder = data_folder / "open_bandit"
    names = [f"random_{campaign}", f"bts_{campaign}"]
    table = read("open-bandit", *(folder / f"{name}.parquet" for name in [*names, f"item_context_{campaign}"]))
    for name in names:
        raw = pq.read_table(folder / f"{name}.parquet")
        mine = table.filter(pc.equal(table["policy"], name.split("_")[0]))
        assert len(mine) == len(raw)
        assert pc.sum(mine["click"]).as_py() == pc.sum(raw["click"]).as_py()
        assert pc.sum(mine["propensity"]).as_py() == pytest.approx(pc.sum(raw["propensity_score"]).as_py(), rel=1e-5)
        total = sum(pc.sum(raw[column]).as_py() for column in raw.column_names if "affinity" in column)
        assert np.stack(mine["affinities"].to_numpy()).sum() == pytest.approx(total, rel=1e-5)


def test_two_campaigns_are_refused(data_folder: Path, read: Reader) -> None:
    """Item numbers of different campaigns mean different items."""
    folder = data_folder / "open_bandit"
    with pytest.raises(InputError, match="one campaign"):
        read("open-bandit", folder)
