"""iPinYou: impressions joined with clicks by bid id, raw, labelled and real."""

import bz2
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from adcascade.errors import DataMissingError, RowError
from adcascade.events.importers import FORMATS, BadRows, Options
from adcascade.events.importers.ipinyou import COLUMNS, TAGS

Lines = Callable[[str, bytes | str], Path]
Reader = Callable[..., pa.Table]


def row(bid: str, stamp: str = "20130606000104008", kind: str = "1", tags: str = "10006,10110") -> str:
    """A line of a raw log: 24 columns."""
    agent = "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.1 (KHTML, like Gecko) Chrome/21.0"
    rest = ["user1", agent, "113.68.1.*", "216", "217", "2", "dom", "url", "null", "slot9", "300", "250"]
    rest += ["FirstView", "Na", "5", "7323", "294", "201", "null", "2259", tags]
    return "\t".join([bid, stamp, kind, *rest]) + "\n"


def test_impressions_and_clicks_are_joined(lines: Lines, read: Reader) -> None:
    """A click makes its impression clicked and brings its time; rows come in order of time."""
    shown = lines("imp.20130606.txt.bz2", bz2.compress((row("b", "20130606000105000") + row("a")).encode()))
    clicks = lines("clk.20130606.txt", row("a", "20130606000204500", "2") + row("z", kind="2"))
    conversions = lines("conv.20130606.txt", row("a", "20130606000304500", "3"))
    table = read("ipinyou", shown, clicks, conversions)
    assert table["request_id"].to_pylist() == ["a", "b"]
    assert table["click"].to_pylist() == [1.0, 0.0]
    assert table["conversion"].to_pylist() == [1.0, 0.0]
    assert table["click_time_us"][0].as_py() - table["time_us"][0].as_py() == 60_492_000
    first = table.to_pylist()[0]
    assert (first["browser"], first["system"], first["hour"]) == ("chrome", "windows", "0")
    assert (first["floor"], first["payprice"], first["slotwidth"]) == (5.0, 201, "300")
    assert [tag for tag, has in zip(TAGS, first["tags"], strict=True) if has] == ["10006", "10110"]


def test_a_labelled_log_needs_no_clicks(lines: Lines, read: Reader) -> None:
    """train.log.txt has its label in a column and names its columns."""
    names = COLUMNS.replace("slotprice_floor", "slotprice").split()
    head = "\t".join(["click", "weekday", "hour", *names]) + "\n"
    path = lines("train.log.txt", head + "1\t4\t00\t" + row("a", tags="null") + "0\t4\t00\t" + row("b"))
    table = read("ipinyou", path)
    assert table["click"].to_pylist() == [1.0, 0.0]
    assert sum(table["tags"][0].as_py()) == 0.0


def test_without_clicks_it_is_said(lines: Lines) -> None:
    """Impressions alone can be read, but a note says that none counts as clicked."""
    log = FORMATS["ipinyou"].read([lines("imp.txt", row("a"))], Options())
    assert "no clk" in log.notes[0]
    assert next(log.tables)["click"].to_pylist() == [0.0]


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        (row("a", stamp="2013-06-06"), "timestamp"),
        (row(""), "bidid"),
        (row("a").replace("\t5\t", "\tx\t"), "slotprice_floor"),
        ("a\tb\n", "(the line)"),
    ],
)
def test_what_is_wrong_is_named_or_skipped(lines: Lines, read: Reader, wrong: str, column: str) -> None:
    """Wrong time, id, price or number of columns: told with its row, or counted."""
    path = lines("imp.txt", row("x") + wrong + row("y"))
    with pytest.raises(RowError) as caught:
        read("ipinyou", path)
    assert (caught.value.row, caught.value.column) == (2, column)
    bad = BadRows("skip")
    assert read("ipinyou", path, bad=bad)["request_id"].to_pylist() == ["x", "y"]
    assert bad.skipped == 1


def test_clicks_without_impressions_are_refused(lines: Lines, read: Reader) -> None:
    """The impressions are what the table is made of."""
    with pytest.raises(DataMissingError, match="impressions"):
        read("ipinyou", lines("clk.txt", row("a")))


def test_real_impressions_and_clicks(data_folder: Path, read: Reader) -> None:
    """Joined by hand with sets of bid ids: as many clicks, the same impressions, in order of time."""
    folder = data_folder / "ipinyou_logs"
    paths = [folder / f"adv2821_{kind}_20131021.parquet" for kind in ("impressions", "clicks")]
    shown, clicked = (pq.read_table(path)["bidid"].to_pylist() for path in paths)
    table = read("ipinyou", *paths)
    assert sorted(table["request_id"].to_pylist()) == sorted(shown)
    assert pc.sum(table["click"]).as_py() == sum(bid in set(clicked) for bid in shown)
    assert np.all(np.diff(table["time_us"].to_numpy()) >= 0)


def test_real_labelled_log(data_folder: Path, read: Reader) -> None:
    """Rows, clicks, spend and number of tags equal the raw file's."""
    path = data_folder / "ipinyou_logs" / "adv2259_train.parquet"
    raw, table = pq.read_table(path), read("ipinyou", path)
    assert len(table) == len(raw)
    assert pc.sum(table["click"]).as_py() == pc.sum(raw["click"]).as_py()
    assert pc.sum(table["payprice"]).as_py() == pc.sum(raw["payprice"]).as_py()
    known = set(TAGS)
    tags = [set((text or "").split(",")) & known for text in raw["usertag"].to_pylist()]
    assert np.stack(table["tags"].to_numpy()).sum() == sum(map(len, tags))
