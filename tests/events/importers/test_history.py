"""Laws of histories: a row sees its user's last items of strictly earlier moments, and nothing else."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.events.importers.history import PastItems, whole_moments

happening = st.tuples(
    st.integers(0, 6), st.sampled_from(["u", "v", "w", None]), st.sampled_from(["a", "b", "c", None]), st.booleans()
)


def table(rows: list[tuple[int, str | None, str | None, bool]]) -> pa.Table:
    """Rows (time, user, item, done) as a table with a second item column in step."""
    time, user, item, done = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        {
            "time_us": pa.array(time, pa.int64()),
            "user": pa.array(user, pa.string()),
            "item": pa.array(item, pa.string()),
            "kind": pa.array([None if one is None else one * 2 for one in item], pa.string()),
            "done": pa.array(done, pa.bool_()),
        }
    )


def by_hand(rows: list[tuple[int, str | None, str | None, bool]], length: int) -> list[list[str | None]]:
    """The slow twin: for each row look through all rows."""
    return [
        [item for when, who, item, done in rows if done and who == user and user is not None and when < time][-length:]
        for time, user, _, _ in rows
    ]


@settings(deadline=None, max_examples=200)
@given(st.lists(happening, max_size=40), st.integers(1, 9), st.integers(1, 4))
def test_histories_are_those_found_by_hand(
    rows: list[tuple[int, str | None, str | None, bool]], size: int, length: int
) -> None:
    """Any rows in order of time, cut into any tables, for any length: equal to the slow twin."""
    rows = sorted(rows, key=lambda row: row[0])
    past = PastItems(("item", "kind"), length)
    cut = whole_moments(table(rows[start : start + size]) for start in range(0, len(rows), size))
    got = [one for part in cut for one in past.add(part, part["done"].to_numpy()).to_pylist()]
    assert [one["past_item"] for one in got] == by_hand(rows, length)
    assert all(one["past_kind"] == [None if item is None else item * 2 for item in one["past_item"]] for one in got)


@given(st.lists(st.integers(0, 8), max_size=40), st.integers(1, 7))
def test_a_moment_is_never_in_two_tables(times: list[int], size: int) -> None:
    """Cut anew, rows and order are the same and every time is in one table only."""
    times = sorted(times)
    parts = [pa.table({"time_us": pa.array(times[i : i + size], pa.int64())}) for i in range(0, len(times), size)]
    cut = [part["time_us"].to_pylist() for part in whole_moments(iter(parts))]
    assert [time for part in cut for time in part] == times
    assert sum(len(set(part)) for part in cut) == len(set(times))


def test_memory_grows_with_users_only() -> None:
    """A thousand rounds of the same two users keep two rows of the last items."""
    past = PastItems(("item",), 3)
    for time in range(1000):
        past.add(table([(time, "u", "a", True), (time, "v", "b", True)]), np.array([True, True]))
    assert len(past._kept["item"]) <= 4
