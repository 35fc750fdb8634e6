"""Surprises behave as standard deviations: beside the exact tails, at small counts and large."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.metrics.surprise import binomial_surprise, poisson_surprise


@given(st.integers(0, 10_000), st.floats(0.0, 10_000))
def test_a_surprise_has_the_sign_of_the_difference_and_rises_with_the_count(count: int, mean: float) -> None:
    """Nothing is surprising where the count is the mean; one more is always more surprising upwards."""
    assert np.sign(poisson_surprise(count, mean)) == np.sign(count - mean) or count == pytest.approx(mean, rel=1e-12)
    assert poisson_surprise(count + 1, mean) > poisson_surprise(count, mean)


@given(st.integers(1, 10_000), st.floats(0.0, 1.0))
def test_a_binomial_surprise_is_zero_at_the_rate(trials: int, rate: float) -> None:
    """As many successes as due surprise nobody; all or nothing is never less surprising than the mean."""
    assert binomial_surprise(rate * trials, trials, rate) == pytest.approx(0.0, abs=1e-9)
    assert binomial_surprise(trials, trials, rate) >= -1e-9
    assert binomial_surprise(0, trials, rate) <= 1e-9


@pytest.mark.parametrize("mean", [5.0, 30.0, 300.0])
def test_chance_is_surprised_as_often_as_a_normal_law(mean: float) -> None:
    """Of 200,000 Poisson counts about 4.6 % lie beyond two standard deviations, and their spread is about 1."""
    counts = np.random.default_rng(1).poisson(mean, 200_000)
    surprises = np.array([poisson_surprise(k, mean) for k in range(counts.max() + 1)])[counts]
    assert surprises.std() == pytest.approx(1.0, abs=0.06)
    assert 0.03 < (np.abs(surprises) > 2).mean() < 0.07


def test_a_binomial_spread_is_one() -> None:
    """Likewise for shares."""
    counts = np.random.default_rng(2).binomial(400, 0.3, 100_000)
    surprises = np.array([binomial_surprise(k, 400, 0.3) for k in range(401)])[counts]
    assert surprises.std() == pytest.approx(1.0, abs=0.03)
