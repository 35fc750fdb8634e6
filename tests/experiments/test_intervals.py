"""Intervals: ordinary in a fixed split, and honest where the allocation followed the outcomes."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import t as student

from adcascade.experiments.intervals import Estimate, difference, ratio, student_t, wilson
from adcascade.experiments.thompson import posterior, thompson, with_floor

rows = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=40)


@given(log=rows, share=st.floats(0.05, 1))
def test_in_a_fixed_split_the_figure_is_the_plain_ratio(log: list[tuple[int, int]], share: float) -> None:
    """Whatever the share was, and the interval holds it."""
    y, n = (np.array(column, float) for column in zip(*log, strict=True))
    assume(n.sum() > 0)
    found = ratio(y, n, np.full(len(y), share), rate=False)
    assert found.value == pytest.approx(y.sum() / n.sum())
    assert found.low <= found.value <= found.high


@given(clicks=st.integers(2, 300), share=st.floats(0.05, 1), bought=st.integers(0, 300))
def test_a_rate_over_single_clicks_has_wilsons_interval(clicks: int, share: float, bought: int) -> None:
    """Units of one click each are so many trials; the ends solve (p - r)^2 = z^2 p (1 - p) / n."""
    bought = min(bought, clicks)
    y = (np.arange(clicks) < bought).astype(float)
    found = ratio(y, np.ones(clicks), np.full(clicks, share), rate=True)
    for end in (found.low, found.high):
        if 0 < end < 1 and end != found.value:
            assert (end - found.value) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / clicks, rel=1e-4)


def test_where_nothing_was_counted_nothing_is_claimed() -> None:
    """No units, or units without a denominator: NaN."""
    empty = np.empty(0)
    assert not ratio(empty, empty, empty, rate=True).known
    assert not ratio(np.zeros(3), np.zeros(3), np.ones(3), rate=False).known
    assert wilson(0.0, 10.0).high > 0.2


@pytest.mark.parametrize("freedom", [3, 5, 10, 30, 1000])
def test_students_quantile_is_right(freedom: int) -> None:
    """Against scipy, which serving does without."""
    assert student_t(freedom) == pytest.approx(student.ppf(0.975, freedom), rel=0.01)


def test_clustered_clicks_widen_the_interval() -> None:
    """Ten users who do the same ten times are ten units, not a hundred."""
    y, n = np.array([10.0] * 5 + [0.0] * 5), np.full(10, 10.0)
    few = ratio(y, n, np.ones(10), rate=True)
    many = ratio(np.repeat([1.0, 0.0], 50), np.ones(100), np.ones(100), rate=True)
    assert few.high - few.low > 2 * (many.high - many.low)


def test_a_difference_of_equal_figures_holds_zero() -> None:
    """And turns its sign with its sides."""
    one, other = Estimate(0.5, 0.4, 0.7), Estimate(0.3, 0.2, 0.35)
    gap, turned = difference(one, other), difference(other, one)
    assert (gap.value, gap.low, gap.high) == pytest.approx((-turned.value, -turned.high, -turned.low))
    assert difference(one, one).low < 0 < difference(one, one).high


def adaptive(rate: float, batches: int, size: int, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Two arms of one rate under Thompson sampling with a floor: arm, outcome and share of each unit."""
    seen, tried = np.zeros(2), np.zeros(2)
    parts = []
    for _ in range(batches):
        draws = thompson(posterior(seen, tried), 200, random)
        shares = with_floor(np.bincount(draws, minlength=2) / 200, 0.05)
        arm = random.choice(2, size, p=shares)
        outcome = (random.random(size) < rate).astype(float)
        seen += np.bincount(arm, outcome, 2)
        tried += np.bincount(arm, minlength=2)
        parts.append((arm, outcome, shares[arm]))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def test_the_interval_covers_after_an_adaptive_allocation_and_the_plain_mean_is_biased() -> None:
    """Two equal arms, 300 experiments: about 95 of 100 intervals hold the truth; the plain mean is lower than ours."""
    random = np.random.default_rng(17)
    covered, ours, plain = [], [], []
    for _ in range(300):
        arm, outcome, share = adaptive(0.3, 20, 50, random)
        for k in (0, 1):
            own = arm == k
            found = ratio(outcome[own], np.ones(own.sum()), share[own], rate=True)
            covered.append(found.low <= 0.3 <= found.high)
            ours.append(found.value)
            plain.append(outcome[own].mean())
    assert 0.92 <= np.mean(covered) <= 0.98
    assert np.mean(plain) < 0.2945
    assert np.mean(ours) > np.mean(plain) + 0.002
