"""Token buckets against their definition: no window of any length holds more calls than burst + rate x length."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.access.limits import Limits

GAPS = st.lists(st.floats(0, 3), min_size=1, max_size=60)


@given(GAPS, st.floats(0.1, 5), st.integers(1, 6))
def test_no_window_holds_more_than_it_may(gaps: list[float], rate: float, burst: int) -> None:
    """For every pair of allowed calls, the calls between them fit the bucket."""
    limits, now, allowed = Limits(rate=rate, burst=burst), 0.0, []
    for gap in gaps:
        now += gap
        if not limits.take("ann", now):
            allowed.append(now)
    for first, since in enumerate(allowed):
        for last in range(first, len(allowed)):
            assert last - first + 1 <= burst + rate * (allowed[last] - since) + 1e-6


@given(GAPS, st.floats(0.1, 5), st.integers(1, 6))
def test_who_waits_as_told_is_let_in(gaps: list[float], rate: float, burst: int) -> None:
    """After the wait that a refusal tells, the call is allowed."""
    limits, now = Limits(rate=rate, burst=burst), 0.0
    for gap in gaps:
        now += gap
        wait = limits.take("ann", now)
        if wait:
            now += wait + 1e-6
            assert not limits.take("ann", now)


def test_callers_do_not_share_and_are_bounded() -> None:
    """One caller's calls cost another nothing; of many callers the longest silent are forgotten."""
    limits = Limits(rate=1, burst=1, callers=2)
    assert not limits.take("ann", 0.0)
    assert limits.take("ann", 0.0) == 1.0
    assert limits.exhausted("ann", 0.0) == 1.0
    assert not limits.take("bob", 0.0)
    assert not limits.take("cat", 0.0)
    assert not limits.take("ann", 0.0), "forgotten, and full again"


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """Seconds that were counted are not counted again."""
    limits = Limits(rate=1, burst=1)
    assert not limits.take("ann", 10.0)
    assert limits.take("ann", 5.0)
    assert limits.take("ann", 10.0)
    assert not limits.take("ann", 11.0)
