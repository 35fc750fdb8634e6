"""Hot paths run at sizes that show nothing but that they run: rows with names of their own and numbers that are.

Those that need installations, exported graphs, groups of processes or peers are parsed only (test_found.py).
"""

import math
from pathlib import Path

import pytest

from adcascade.bench.found import benchmarks_folder, hot_path, parsed
from adcascade.bench.peers import VARIABLE

SMALL = {
    "attribution": "--events 2000 --rounds 1",
    "catalog": "--ads 400 --campaigns 40 --rounds 1 --cache {folder}",
    "eligibility": "--ads 500 --rounds 1",
    "invalid_traffic": "--hours 0.02",
    "join": "--events 2000 --rounds 1",
    "market": "--views 50 --auctions 20 --pvs 200 --rounds 1",
    "mbct": "--rows 2000 --features 4 --trees 2 --rounds 1",
    "nann": "--ads 1500 --queries 2 --rounds 1",
    "picasso": "--fields 3 --values 50 --batch 16 --rounds 1 --log-rows 256 --log-values 9 --epochs 1 --table-rows 999",
    "vocabulary": "--values 500 --words 40 --lengths 8 --rounds 1",
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_run_answers_rows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row has a finite value, and a peer's and a floor where it has them, and is known by its name and peer."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))  # where no peers are
    path = hot_path(name, benchmarks_folder())
    rows = path.run(parsed(path, SMALL[name].format(folder=tmp_path / "kept").split()))
    assert rows
    assert len({(row.name, row.peer) for row in rows}) == len(rows)
    for row in rows:
        assert all(math.isfinite(number) for number in (row.value, row.peer_value or 0, row.floor or 0, row.spread))
        assert (row.peer_value is None) or row.peer
        assert row.plain()["name"] == row.name
