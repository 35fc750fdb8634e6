"""Laws of smoothed rates, of the strength of smoothing, and of Thompson shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.creative import VariantCounts, beta_strength, smoothed_rate, thompson_shares
from adcascade.creative.smoothed import STRONGEST


@given(n=st.integers(0, 10**6), share=st.floats(0, 1), mean=st.floats(0.001, 0.999), strength=st.floats(0.1, 1e5))
def test_it_is_the_posterior_mean(n: int, share: float, mean: float, strength: float) -> None:
    """Beta(strength mean, strength (1 - mean)) after c clicks of n has this mean: a / (a + b)."""
    c = int(n * share)
    a, b = strength * mean + c, strength * (1 - mean) + n - c
    assert smoothed_rate(c, n, mean, strength) == pytest.approx(a / (a + b))


@given(mean=st.floats(0, 1), strength=st.floats(0.1, 1e6))
def test_without_data_it_is_the_prior(mean: float, strength: float) -> None:
    """Nothing seen: the mean of the ad."""
    assert smoothed_rate(0, 0, mean, strength) == pytest.approx(mean)


@given(
    seen=st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 1)), min_size=2, max_size=6),
    more=st.integers(1, 5),
    ad_strength=st.floats(1, 1e4),
    strength=st.floats(1, 1e4),
)
def test_more_clicks_never_lower_a_variants_rank(
    seen: list[tuple[int, float]], more: int, ad_strength: float, strength: float
) -> None:
    """Clicks of a variant lift its ad's mean, and so its siblings; but no sibling overtakes it by that."""
    rows = {str(i): (float(n + more), float(int(n * share))) for i, (n, share) in enumerate(seen)}

    def rates(variants: dict[str, tuple[float, float]]) -> np.ndarray:
        counts = VariantCounts(mean=0.05, ad_strength=ad_strength, variant_strength=strength, ads={"a": variants})
        shows, clicks = np.array(list(variants.values())).T
        return smoothed_rate(clicks, shows, counts.ad_mean("a"), strength)

    before = rates(rows)
    after = rates({**rows, "0": (rows["0"][0], rows["0"][1] + more)})
    assert np.all((after[0] - after) >= (before[0] - before) - 1e-12)


@pytest.mark.parametrize("truth", [20.0, 200.0])
def test_the_strength_that_made_the_rates_comes_back(truth: float) -> None:
    """3,000 rates drawn from a beta of known strength, 50 to 500 impressions each: within 15 %."""
    random = np.random.default_rng(1)
    shows = random.integers(50, 500, 3000)
    clicks = random.binomial(shows, random.beta(0.2 * truth, 0.8 * truth, 3000))
    assert beta_strength(clicks, shows, 0.2) == pytest.approx(truth, rel=0.15)


def test_rates_that_differ_by_chance_alone_are_smoothed_strongly() -> None:
    """One rate for all: the strength is far above any number of impressions."""
    random = np.random.default_rng(2)
    shows = np.full(2000, 100)
    assert beta_strength(random.binomial(shows, 0.1), shows, 0.1) > 1000
    assert beta_strength([], [], 0.1) == STRONGEST


@given(seen=st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1)), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_thompson_shares_are_probabilities(seen: list[tuple[int, float]], seed: int) -> None:
    """Not negative and summing to 1, whatever was seen."""
    shows = np.array([float(n) for n, _ in seen])
    clicks = np.floor(shows * [share for _, share in seen])
    shares = thompson_shares(clicks, shows, (0.1, 20.0), np.random.default_rng(seed))
    assert shares.sum() == pytest.approx(1.0)
    assert shares.min() >= 0


def test_thompson_prefers_what_is_clicked_and_still_tries_the_unknown() -> None:
    """A clearly worse variant is hardly shown, an unseen one often, equal ones alike."""
    random = np.random.default_rng(3)
    shows, clicks = np.array([1000.0, 1000.0, 0.0]), np.array([100.0, 20.0, 0.0])
    shares = thompson_shares(clicks, shows, (0.06, 20.0), random, draws=4000)
    assert shares[1] < 0.01
    assert shares[2] > 0.05
    even = thompson_shares(np.zeros(2), np.zeros(2), (0.06, 20.0), random, draws=4000)
    assert even[0] == pytest.approx(0.5, abs=0.05)
