"""What was kept is read again, the oldest is forgotten first, and many may write at once."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.shadow.record import Own, Pair, Shadowed
from adcascade.cascade.shadow.store import Counts, ShadowStore
from adcascade.errors import StoreError

NUMBERS = st.floats(allow_nan=False)
PAIRS = st.builds(Pair, bid_id=st.text(), ad=st.integers(0, 9), slot=st.integers(0, 9), served=NUMBERS, shadow=NUMBERS)
OWNS = st.builds(
    Own, ads=st.tuples(st.integers(0, 9)), slots=st.tuples(st.integers(0, 9)), expected_micros=NUMBERS,
    stage_us=st.dictionaries(st.text(max_size=3), st.integers(0, 9)),
)  # fmt: skip
RECORDS = st.builds(
    Shadowed, id=st.text(), time_us=st.integers(0, 2**62), scenario=st.text(), bundle=st.text(), shadow=st.just("s"),
    pairs=st.lists(PAIRS, max_size=3).map(tuple), expected_micros=NUMBERS,
    stage_us=st.dictionaries(st.text(max_size=3), st.integers(0, 9)), alike=st.none() | NUMBERS, own=st.none() | OWNS,
)  # fmt: skip


def shadowed(number: int, shadow: str = "s") -> Shadowed:
    """A request with nothing in it."""
    return Shadowed(
        id=f"r{number}", time_us=number, scenario="", bundle="b", shadow=shadow, pairs=(), expected_micros=0.0,
        stage_us={}, alike=None, own=None,
    )  # fmt: skip


def test_an_absent_file_is_an_empty_store(tmp_path: Path) -> None:
    """And reading makes none."""
    store = ShadowStore(tmp_path / "shadow.db")
    assert store.read("s") == []
    assert store.counts("s") == Counts()
    assert not store.path.exists()


@given(records=st.lists(RECORDS, max_size=4))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, records: list[Shadowed]) -> None:
    """All of it, in order."""
    store = ShadowStore(tmp_path_factory.mktemp("store") / "shadow.db")
    store.write("s", records, {})
    assert store.read("s") == records


def test_the_oldest_are_forgotten_and_never_the_counts(tmp_path: Path) -> None:
    """The store holds no more requests than it may, of whichever shadow; the newest of one are read."""
    store = ShadowStore(tmp_path / "shadow.db", kept=10)
    for k in range(8):
        store.write("s", [shadowed(3 * k + j) for j in range(3)], {"shadowed": 3, "dropped": k})
    store.write("t", [shadowed(100, "t")], {"failed": 1})
    assert [one.id for one in store.read("s")] == [f"r{k}" for k in range(15, 24)]
    assert [one.id for one in store.read("s", 2)] == ["r22", "r23"]
    assert [one.id for one in store.read("t")] == ["r100"]
    assert store.counts("s") == Counts(shadowed=24, dropped=28, failed=0)
    assert store.counts("t") == Counts(failed=1)


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    """As several processes do, each with a connection of its own."""
    store = ShadowStore(tmp_path / "shadow.db")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: store.write("s", [shadowed(k)], {"shadowed": 1}), range(40)))
    assert sorted(one.time_us for one in store.read("s")) == list(range(40))
    assert store.counts("s").shadowed == 40


def test_a_file_that_is_no_store_says_what_to_do(tmp_path: Path) -> None:
    """Whether all of it is something else, or a record."""
    store = ShadowStore(tmp_path / "shadow.db")
    store.write("s", [shadowed(1)], {})
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE shadowed SET payload = x'c1'")
        connection.commit()
    with pytest.raises(StoreError, match="remove it"):
        store.read("s")
    other = ShadowStore(tmp_path / "other.db")
    other.path.write_bytes(b"this is no database, and long enough to be told from an empty one" * 20)
    with pytest.raises(StoreError, match="remove the file"):
        other.write("s", [shadowed(1)], {})
