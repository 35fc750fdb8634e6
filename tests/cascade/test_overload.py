"""The overload ladder: monotone in lateness, steady, forgetful; and what an engine leaves out on its rungs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cascade.test_deadline import Slow, Source, Watch, opportunity

from adcascade.cascade.engine import Pipeline, Place
from adcascade.cascade.overload import OVERLOAD, RUNGS, TOO_LATE, Footing, Ladder, LadderRule, refusal, step, width
from adcascade.contracts import Candidates

RULE = LadderRule()
looks = st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2), st.floats(0, 2)), max_size=40)


@given(looks)
def test_who_is_always_later_is_never_on_a_lower_rung(looks: list[tuple[float, float, float]]) -> None:
    """Two processes that look at the same instants, one always at least as late: its rung is at least as high."""
    now, low, high = 0.0, Footing(), Footing()
    for passed, late, more in looks:
        now += passed
        low, high = step(low, late, now, RULE), step(high, late + more, now, RULE)
        assert low.rung <= high.rung
        assert low.pressure <= high.pressure


@given(looks)
def test_a_process_that_is_in_time_again_stands_on_the_ground_after_two_seconds(
    looks: list[tuple[float, float, float]],
) -> None:
    """Whatever happened before: eight half-lives later all work is done again."""
    now, footing = 0.0, Footing()
    for passed, late, _ in looks:
        now += passed
        footing = step(footing, late, now, RULE)
    assert step(footing, 0.0, now + 8 * RULE.half_life_s, RULE).rung == 0


@given(st.integers(1, 3), st.lists(st.floats(0.51, 0.99), min_size=1, max_size=30))
def test_a_rung_does_not_flap(rung: int, shares: list[float]) -> None:
    """Lateness that moves between half of what led to a rung and just below it leaves the rung as it is."""
    limit = RULE.climb[rung - 1]
    footing = step(Footing(), limit, 0.0, RULE)
    for number, share in enumerate(shares, 1):
        footing = step(footing, share * limit, number * 10.0, RULE)
        assert footing.rung == rung


def test_a_rung_is_climbed_at_once() -> None:
    """One look suffices, from the ground to any rung, at exactly its limit."""
    for rung, limit in enumerate(RULE.climb, 1):
        assert step(Footing(), limit, 0.0, RULE).rung == rung
        assert step(Footing(), limit * 0.999, 0.0, RULE).rung == rung - 1


@given(st.integers(0, 3), st.floats(0, 2e5), st.floats(0, 2e5), st.integers(1, 100_000), st.floats(0, 1e5))
def test_an_older_request_is_never_taken_where_a_younger_was_declined(
    rung: int, age: float, more: float, timeout: int, need: float
) -> None:
    """Declining is monotone in age and in rung; a request that cannot be answered in its time is never taken."""
    ask = {"timeout_us": timeout, "need_us": need, "rule": RULE}
    if refusal(rung, age_us=age, **ask):  # type: ignore[arg-type]
        assert refusal(rung, age_us=age + more, **ask)  # type: ignore[arg-type]
        assert refusal(min(rung + 1, 3), age_us=age, **ask)  # type: ignore[arg-type]
    else:
        assert age + need < timeout


def test_a_ladder_declines_by_its_top_rung_and_by_the_requests_own_time() -> None:
    """On the ground only who is out of time is declined; on the top rung also who waited a quarter of it."""
    now = 0.0
    ladder = Ladder(100_000, clock=lambda: now)
    assert ladder.admit(9_000, 100_000) == ""
    assert ladder.admit(9_000, 5_000) == TOO_LATE
    assert ladder.admit(60_000, 1_000_000) == ""
    assert (ladder.rung, ladder.climbed) == (3, [0, 1, 1, 1])
    assert ladder.admit(26_000, 100_000) == OVERLOAD
    assert ladder.admit(24_000, 100_000) == ""
    now = 2.0
    assert ladder.rung == 0
    assert len(RUNGS) == len(RULE.climb) + 1


@given(st.floats(0, 2e5), st.floats(0, 2e5))
def test_only_on_the_top_rung_a_request_is_declined_unread(first: float, second: float) -> None:
    """Declined unread is who would be declined as a request of standard time; below the top rung nobody is."""
    ladder = Ladder(100_000, clock=lambda: 0.0)
    ladder.admit(first, 10**9)
    unread = ladder.unread(second)
    assert unread == (max(first, second) >= 50_000 and second > 25_000)
    assert ladder.declined[OVERLOAD] == unread


@given(st.integers(0, 3), st.integers(0, 1000))
def test_a_model_reads_half_and_never_nothing(rung: int, n: int) -> None:
    """The width never rises with the rung, and where there are candidates one is read."""
    assert width(rung, n) <= width(max(0, rung - 1), n) <= n
    assert width(rung, n) >= min(n, 1)


@pytest.mark.parametrize(("rung", "calls"), [(0, [40, 20]), (1, [20, 10]), (2, [20]), (3, [20])])
def test_an_engine_narrows_and_then_leaves_the_ranker_out(rung: int, calls: list[int]) -> None:
    """Half width on rung 1, no ranker from rung 2 on; what was left out is named, and ads come through all the same."""
    watch = Watch()
    cheap, dear = Slow("preranking", watch, keep=20), Slow("ranking", watch, keep=5)
    places = [
        Place(Source(40), required=True),
        Place(cheap, keep=20, narrows=True),
        Place(dear, keep=5, narrows=True, left_out=2),
    ]
    steps = Pipeline("p", places, watch).run(opportunity(), Candidates.of(np.empty(0, np.int32)), 10**9, rung=rung)
    assert cheap.calls + dear.calls == calls
    assert [s.cut for s in steps[1:]] == ["" if rung == 0 else OVERLOAD] * 2
    assert len(steps[-1].left) == 5


def test_a_ladder_that_falls_is_refused() -> None:
    """Rungs must rise."""
    with pytest.raises(ValueError, match="no ladder"):
        LadderRule(climb=(0.3, 0.2, 0.5))
