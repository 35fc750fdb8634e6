"""The history is bounded, in order, and its newest look is always shown."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.console.counters import Counters
from adcascade.console.history import History

GAPS = st.lists(st.integers(1, 9_000_000), max_size=60)


@given(gaps=GAPS, length=st.integers(1, 10**9), points=st.integers(1, 30))
def test_the_last_looks(gaps: list[int], length: int, points: int) -> None:
    """At most about so many, oldest first, none older than asked for, the newest the last; never more than kept."""
    history, now = History(kept=40), 0
    for gap in gaps:
        now += gap
        history.add(Counters(time_us=now))
    times = [look.time_us for look in history.last(length, points)]
    assert times == sorted(set(times))
    assert len(times) <= min(points + 1, 40)
    assert all(now - length <= time for time in times)
    assert times[-1:] == ([now] if gaps else [])


def test_a_clock_that_went_back_begins_anew() -> None:
    """No look is later than the one after it."""
    history = History()
    for time_us in (10, 20, 15):
        history.add(Counters(time_us=time_us))
    assert [look.time_us for look in history.last(100, 10)] == [15]
