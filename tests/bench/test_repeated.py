"""Repeated runs: what is reported is the median over the runs, and runs that do not fit together are an error."""

import statistics
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.bench.repeated import fresh_run, medians, repeated
from adcascade.bench.row import Bar, Row
from adcascade.errors import InternalError

NUMBER = st.floats(1e-3, 1e6)
RUNS = st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), min_size=1, max_size=7)


@given(runs=RUNS, turned=st.booleans())
def test_every_number_is_its_own_median_and_the_bar_is_judged_on_it(
    runs: list[tuple[float, float, float, float]], *, turned: bool
) -> None:
    """Value, peer, floor, ratio and the bar's number; one run says what it would say alone."""
    rows = [
        Row(
            name="r",
            value=v,
            unit="s",
            peer="p",
            peer_value=p,
            turned=turned,
            floor=f,
            bar=Bar(of="ratio", least=least),
        )
        for v, p, f, least in runs
    ]
    [row] = medians([[one] for one in rows])
    values, peers, floors, leasts = zip(*runs, strict=True)
    ratio = statistics.median(one.ratio or 0 for one in rows)
    assert row.value == statistics.median(values)
    assert row.peer_value == statistics.median(peers)
    assert row.floor == statistics.median(floors)
    assert row.ratio == ratio
    assert row.holds == (ratio >= statistics.median(leasts))
    assert min(values) <= row.value <= max(values)
    if len(rows) == 1:
        assert row.plain() == rows[0].plain()


def test_the_order_of_rows_and_the_note_of_the_median_stay() -> None:
    """Rows of one name are told apart by their peer; the spread is that over the runs, not within one."""
    runs = [
        [
            Row(name="a", value=value, unit="s", spread=0.9, note=f"run {value}"),
            Row(name="b", value=1, unit="s", peer="x", peer_value=value),
            Row(name="b", value=1, unit="s", peer="y", peer_value=value),
        ]
        for value in (4.0, 1.0, 2.0)
    ]
    rows = medians(runs)
    assert [(row.name, row.peer) for row in rows] == [("a", ""), ("b", "x"), ("b", "y")]
    assert (rows[0].note, rows[0].value, rows[0].spread, rows[0].bar) == ("run 2.0", 2.0, 0.375, None)


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ([], "only one has 'r'"),
        ([{}, {"name": "q"}], "only one has 'q'"),
        ([{}, {}], "differ in name or peer"),
        ([{"floor": 1.0}], "in some runs only"),
        ([{"bar": Bar(of="value", most=1)}], "in some runs only"),
    ],
)
def test_runs_that_do_not_fit_together_are_refused(second: list[dict[str, object]], says: str) -> None:
    """A row that is missing in one run is never left out in silence."""
    row = Row(name="r", value=1, unit="s")
    with pytest.raises(InternalError, match=says):
        medians([[row], [msgspec.structs.replace(row, **changes) for changes in second]])


def test_each_run_is_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rows come back as they were made; a run that fails is an error, not a row less."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "README.md").touch()
    (tmp_path / "benchmarks" / "own.py").write_text(HOT_PATH)
    monkeypatch.setattr("adcascade.bench.repeated.COMMAND", ["-c", RUN.format(folder=str(tmp_path / "benchmarks"))])
    [first] = fresh_run("own", ["--value", "3"])
    [second] = fresh_run("own", ["--value", "3"])
    assert first.value == second.value == 3
    assert first.bar == Bar(of="value", least=2)
    assert first.note != second.note  # the process
    [row] = repeated("own", [], 2)
    assert row.value == 1
    with pytest.raises(InternalError, match="own ended with status 1"):
        fresh_run("own", ["--value", "0"])


HOT_PATH = '''"""Says what it is told."""
import os
from adcascade.bench import Bar, Row


def add_options(parser):
    parser.add_argument("--value", type=int, default=1)


def run(given):
    print("on its way")
    return [Row(name="r", value=1 / (1 / given.value), unit="s", bar=Bar(of="value", least=2), note=str(os.getpid()))]
'''
RUN = """
import sys
from pathlib import Path
from adcascade.bench import repeated
repeated.benchmarks_folder = lambda: Path({folder!r})
repeated.main()
"""
