"""Sampling arms: shares are chances, the floor holds, and a late arm is not starved once its delay is counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from adcascade.experiments.thompson import (
    Posterior,
    posterior,
    quantile_shares,
    thompson,
    upper_bound_shares,
    with_floor,
)

counts = st.lists(st.tuples(st.integers(0, 50), st.floats(0, 500)), min_size=2, max_size=5)


@given(arms=counts)
def test_posteriors_are_proper_whatever_was_counted(arms: list[tuple[int, float]]) -> None:
    """alpha and beta are at least 1, also where S exceeds N~."""
    seen, exposure = (np.array(column, float) for column in zip(*arms, strict=True))
    belief = posterior(seen, exposure)
    assert (belief.alpha >= 1).all()
    assert (belief.beta >= 1).all()


@given(arms=counts, floor=st.floats(0, 0.2))
def test_shares_sum_to_one_and_keep_the_floor(arms: list[tuple[int, float]], floor: float) -> None:
    """For every rule."""
    seen, exposure = (np.array(column, float) for column in zip(*arms, strict=True))
    belief, random = posterior(seen, exposure), np.random.default_rng(0)
    for shares in (
        belief.best(200, random),
        upper_bound_shares(seen, exposure + 1, exposure),
        quantile_shares(belief, exposure, 200, random),
    ):
        floored = with_floor(shares, floor)
        assert floored.sum() == pytest.approx(1.0)
        assert (floored >= floor - 1e-12).all()


def test_an_impossible_floor_is_refused() -> None:
    """Three arms cannot have 40 % each."""
    with pytest.raises(ValueError, match=r"at most 0\.333"):
        with_floor(np.ones(3) / 3, 0.4)


def test_the_chance_to_be_best_is_the_share_of_units_that_go_there() -> None:
    """Two ways to the same figure; for two equal arms it is one half."""
    belief = posterior(np.array([30.0, 20.0, 20.0]), np.array([100.0, 100.0, 100.0]))
    best = belief.best(40_000, np.random.default_rng(1))
    units = np.bincount(thompson(belief, 40_000, np.random.default_rng(2)), minlength=3) / 40_000
    assert np.abs(best - units).max() < 0.01
    assert best[1] == pytest.approx(best[2], abs=0.01)
    assert best.argmax() == 0


def test_the_best_arm_gets_everything_in_the_end() -> None:
    """With much known, every rule sends the traffic to it."""
    seen, exposure = np.array([5000.0, 4000.0]), np.array([10_000.0, 10_000.0])
    belief, random = posterior(seen, exposure), np.random.default_rng(3)
    assert belief.best(1000, random)[0] == 1.0
    assert upper_bound_shares(seen, exposure, exposure)[0] > 0.999
    assert quantile_shares(belief, exposure, 1000, random)[0] > 0.999


def test_replicas_are_drawn_apart() -> None:
    """Leading dimensions stay."""
    belief = Posterior(np.ones((4, 3)), np.ones((4, 3)))
    assert belief.draws(7, np.random.default_rng(0)).shape == (7, 4, 3)
    assert belief.best(50, np.random.default_rng(0)).shape == (4, 3)
    assert thompson(belief, 9, np.random.default_rng(0)).shape == (9, 4)


@given(seen=st.integers(0, 200), missed=st.integers(0, 2000))
def test_the_interval_holds_the_middle_of_the_law(seen: int, missed: int) -> None:
    """Its ends are the law's quantiles, within what 4,000 draws can tell; the mean lies between them."""
    law = posterior(np.array([float(seen)]), np.array([float(seen + missed)]))
    mean, low, high = (float(end[0]) for end in law.interval(4_000, np.random.default_rng(1)))
    assert low < mean < high
    assert beta.cdf(low, 1 + seen, 1 + missed) == pytest.approx(0.05, abs=0.02)
    assert beta.cdf(high, 1 + seen, 1 + missed) == pytest.approx(0.95, abs=0.02)
