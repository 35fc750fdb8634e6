"""Figures of a run are those of its sums, however they are cut into hours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.closedloop.market_figures import Step, Sums, result_of, sentence, spans

counts = st.integers(0, 1000)
sums = st.builds(
    Sums, impressions=counts, clicks=counts, conversions=counts, charged=st.integers(0, 10**9),
    welfare=st.floats(0, 1e9), truth=st.floats(0, 1000),
)  # fmt: skip
steps = st.lists(st.tuples(sums, sums, st.integers(0, 500)), min_size=1, max_size=30).map(
    lambda rows: [
        Step(phase="measure", done=k, of=len(rows), tick=72 + k, views=views, sums={"random": a, "oracle": b})
        for k, (a, b, views) in enumerate(rows)
    ]
)


@given(steps)
def test_the_mean_difference_is_the_difference_of_the_figures(told: list[Step]) -> None:
    """Paired by the hour or not; and the interval, where there is one, lies around it."""
    result = result_of(told)
    for figure in ("rpm", "welfare"):
        beside = result.beside["random"][figure]
        whole = getattr(result.policies["random"], figure) - getattr(result.policies["oracle"], figure)
        assert beside.mean == pytest.approx(whole, rel=1e-6, abs=1e-3)
        assert (beside.low is None) == (result.hours == 1)
        if beside.low is not None and beside.high is not None:
            assert beside.low <= beside.mean + 1e-6
            assert beside.mean <= beside.high + 1e-6


@given(steps, st.integers(1, 12))
def test_spans_lose_nothing(told: list[Step], ticks: int) -> None:
    """The sums of all spans are those of all steps, in order, none longer than it should be."""
    found = spans(told, ticks)
    assert sum(one.views for one in found) == sum(step.views for step in told)
    assert sum(one.sums["oracle"].charged for one in found) == sum(step.sums["oracle"].charged for step in told)
    starts = [one.tick for one in found]
    assert starts == list(range(72, 72 + len(told), ticks))


def test_words_follow_the_interval() -> None:
    """Nothing of chance is said of one hour; what lies around nothing cannot be told apart; else by how much."""

    def told(*welfare: float) -> str:
        rows = [
            Step(
                phase="measure", done=k, of=9, tick=6 * k, views=1000,
                sums={"random": Sums(welfare=one), "oracle": Sums(welfare=9e6)},
            )
            for k, one in enumerate(welfare)
        ]  # fmt: skip
        return sentence(result_of(rows))

    assert "One hour" in told(1e6)
    assert "cannot be told apart" in told(1e6, 20e6, 5e6)
    assert "Random brings 8.00 USD less than the oracle" in told(1e6, 1.1e6, 0.9e6)
    assert sentence(result_of([])) == ""
