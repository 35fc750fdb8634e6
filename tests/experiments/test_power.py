"""Power: of experiments of the size that is told, four in five show the difference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.experiments.intervals import Estimate, difference, ratio
from adcascade.experiments.power import growth, units_for


def drawn(rate: float, size: int, random: np.random.Generator) -> Estimate:
    """Clicks per request of so many units, each of one to three requests."""
    requests = random.integers(1, 4, size).astype(float)
    clicks = random.binomial(requests.astype(int), rate).astype(float)
    return ratio(clicks, requests, np.full(size, 0.5), rate=False)


def test_the_size_is_right_by_simulation() -> None:
    """A pilot tells a size for 10 % more clicks; of 600 experiments of that size about 80 in 100 show it, and of as
    many without a difference about 5."""
    random = np.random.default_rng(7)
    pilot = drawn(0.1, 20_000, random)
    size = round(units_for(pilot, 20_000, (0.5, 0.5), 0.1) / 2)
    shown, wrong = 0, 0
    for _ in range(600):
        base, better, same = drawn(0.1, size, random), drawn(0.11, size, random), drawn(0.1, size, random)
        shown += difference(better, base).low > 0
        gap = difference(same, base)
        wrong += gap.low > 0 or gap.high < 0
    assert shown / 600 == pytest.approx(0.8, abs=0.05)
    assert wrong / 600 == pytest.approx(0.05, abs=0.03)


@given(value=st.floats(-1, 1), half=st.floats(0.001, 1), change=st.floats(0.001, 1), times=st.floats(1, 9))
def test_half_the_change_takes_four_times_the_units(value: float, half: float, change: float, times: float) -> None:
    """And units shrink with the square of the interval."""
    gap = Estimate(value, value - half, value + half)
    assert growth(gap, change / times) == pytest.approx(growth(gap, change) * times**2)
    wider = Estimate(value, value - times * half, value + times * half)
    assert growth(wider, change) == pytest.approx(growth(gap, change) * times**2)


@given(share=st.floats(0.01, 0.49))
def test_even_shares_take_the_fewest_units(share: float) -> None:
    """The smallest arm decides; where an arm gets nobody, or the figure is nothing, no number is enough."""
    figure = Estimate(0.1, 0.09, 0.11)
    assert units_for(figure, 1000, (1 - share, share), 0.05) > units_for(figure, 1000, (0.5, 0.5), 0.05)
    assert units_for(figure, 1000, (1.0, 0.0), 0.05) == float("inf")
    assert units_for(Estimate(0.0, 0.0, 0.1), 1000, (0.5, 0.5), 0.05) == float("inf")
