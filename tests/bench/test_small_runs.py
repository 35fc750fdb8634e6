"""Hot paths run at sizes that show nothing but that they run: rows with names of their own and numbers that are."""

import math

import pytest

from adcascade.bench.found import benchmarks_folder, hot_path, parsed

SMALL = {
    "attribution": "--events 2000 --rounds 1",
    "eligibility": "--ads 500 --rounds 1",
    "invalid_traffic": "--hours 0.02",
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_run_answers_rows(name: str) -> None:
    """Each row has a name of its own, a finite value, and a peer's value where it has a peer that was at hand."""
    path = hot_path(name, benchmarks_folder())
    rows = path.run(parsed(path, SMALL[name].split()))
    assert rows
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert math.isfinite(row.value)
        assert row.peer_value is None or math.isfinite(row.peer_value)
        assert row.plain()["name"] == row.name
