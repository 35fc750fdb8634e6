"""Laws of sorting by time on disk: the same rows, in order, whatever fits in memory."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.events.importers import sort
from adcascade.events.importers.sort import by_time


def tables(times: list[int], size: int) -> Iterator[pa.Table]:
    """Rows numbered in their order, `size` a table."""
    for start in range(0, len(times), size):
        part = times[start : start + size]
        number = np.arange(start, start + len(part))
        yield pa.table({"time_us": pa.array(part, pa.int64()), "row": number, "word": pa.array([str(t) for t in part])})


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 9), st.integers(1, 30), st.integers(1, 7))
def test_sorted_on_disk_is_sorted(times: list[int], size: int, run: int, batch: int) -> None:
    """Any tables, run and batch sizes: all rows, once each, in order of time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sort, "BATCH", batch)
        got = [row for table in by_time(tables(times, size), run_rows=run) for row in table.to_pylist()]
    assert [row["time_us"] for row in got] == sorted(times)
    assert sorted(row["row"] for row in got) == list(range(len(times)))
    assert all(row["word"] == str(row["time_us"]) == str(times[row["row"]]) for row in got)


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 9))
def test_in_memory_equal_times_keep_their_order(times: list[int], size: int) -> None:
    """Where one run holds all, the sort is stable."""
    got = [row["row"] for table in by_time(tables(times, size)) for row in table.to_pylist()]
    assert got == sorted(range(len(times)), key=lambda row: times[row])


def test_a_merge_holds_a_batch_of_each_run() -> None:
    """Runs interleaved over the whole range come out in tables of at most a batch a run."""
    times = [int(t) for t in np.random.default_rng(7).permutation(40_000)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sort, "BATCH", 1000)
        got = list(by_time(tables(times, 2000), run_rows=10_000))
    assert sum(map(len, got)) == 40_000
    assert max(map(len, got)) <= 4 * 1000
