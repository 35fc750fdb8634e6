"""Laws of the producer: the same items in the same order, never more than allowed ahead, and no thread left behind."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.learning.producer import Producer


@settings(deadline=None)
@given(st.lists(st.integers()), st.integers(1, 4))
def test_the_items_come_in_order(items: list[int], ahead: int) -> None:
    """All of them, and then the end, as often as one asks."""
    with Producer(iter(items), ahead=ahead) as producer:
        assert list(producer) == items
        assert list(producer) == []


def test_never_more_than_allowed_wait_or_are_made() -> None:
    """Of an endless iterator `ahead` items are taken, and one more for each that was asked for."""
    made: list[int] = []
    enough = threading.Event()

    def endless() -> Iterator[int]:
        for number in range(10**9):
            made.append(number)
            if number == 4:
                enough.set()
            yield number

    with Producer(endless(), ahead=3) as producer:
        assert [next(producer), next(producer)] == [0, 1]
        assert enough.wait(5)
    assert made == [0, 1, 2, 3, 4]
    assert not producer._thread.is_alive()


def test_what_goes_wrong_is_raised_in_its_place() -> None:
    """After the items that came before; once."""

    def breaking() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    with Producer(breaking()) as producer:
        assert next(producer) == 1
        with pytest.raises(OSError, match="the disk is gone"):
            next(producer)
        assert list(producer) == []
    assert not producer._thread.is_alive()


def test_stopping_frees_who_waits_and_closes_the_source() -> None:
    """A consumer in another thread ends, and a generator's `finally` runs."""
    closed, go = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        try:
            yield 1
            go.wait(5)
            yield 2
            yield 3
        finally:
            closed.set()

    seen: list[int] = []
    producer = Producer(slow())
    reader = threading.Thread(target=lambda: seen.extend(producer))
    reader.start()
    producer.stop()
    reader.join(5)
    assert not reader.is_alive()
    go.set()
    producer.join()
    assert closed.is_set()
    assert seen in ([], [1])


def test_no_item_ahead_is_no_producer() -> None:
    """Then nothing could ever come."""
    with pytest.raises(ValueError, match="ahead is 0"):
        Producer(iter([1]), ahead=0)
