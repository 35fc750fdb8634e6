"""Laws of the multi-view calibration error and of the field error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.metrics import ece, field_error, mvce


def one_view(gap: np.ndarray, bins: int) -> float:
    """ECE with m = 2 of samples that already lie bin by bin, from the definition."""
    parts = np.array_split(gap, bins)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    return float(np.sqrt(sum(len(part) / len(gap) * part.mean() ** 2 for part in parts)))


@given(n=st.integers(1, 60), bins=st.integers(1, 20), seed=st.integers(0, 99))
def test_it_is_the_mean_of_the_definition_over_permutations(n: int, bins: int, seed: int) -> None:
    """A slow twin that cuts and averages bin by bin agrees, whether or not bins divide the samples."""
    random = np.random.default_rng(seed)
    y, p = random.integers(0, 2, n).astype(float), random.random(n)
    bins = min(bins, n)
    got = mvce(y, p, bins=bins, views=5, random=np.random.default_rng(seed))
    again = np.random.default_rng(seed)
    starts = np.arange(bins) * n // bins
    views = [again.permutation(y - p) for _ in range(5)]
    slow = [np.sqrt(sum(part.sum() ** 2 / len(part) for part in np.split(view, starts[1:])) / n) for view in views]
    assert got == pytest.approx(np.mean(slow))
    if n % bins == 0:
        assert got == pytest.approx(np.mean([one_view(view, bins) for view in views]))


def test_an_error_that_all_share_is_seen_whole() -> None:
    """Certain labels, all promised 0.2 too little: 0.2 in every view."""
    assert mvce(np.ones(300), np.full(300, 0.8), bins=10, random=np.random.default_rng(0)) == pytest.approx(0.2)


def test_perfect_probabilities_meet_the_noise_floor() -> None:
    """sqrt(mean p (1 - p) / bin size), within 5 %."""
    random = np.random.default_rng(1)
    p = random.uniform(0.02, 0.1, 40_000)
    y = (random.random(len(p)) < p).astype(float)
    floor = np.sqrt((p * (1 - p)).mean() / 200)
    assert mvce(y, p, bins=200, random=random) == pytest.approx(floor, rel=0.05)


def test_errors_that_cancel_at_one_score_are_seen_by_fields_alone() -> None:
    """Half of the ads are promised too much, half too little, all the same: ECE sees nothing, the field error all."""
    truth = np.repeat([0.1, 0.3], 500)
    p = np.full(1000, 0.2)
    assert ece(truth, p) == pytest.approx(0.0, abs=1e-12)
    assert field_error(truth, p, np.repeat([[0], [1]], 500, axis=0)) == pytest.approx(0.1)
    assert field_error(truth, p, np.zeros((1000, 1), int)) == pytest.approx(0.0, abs=1e-12)


def test_nothing_has_no_error() -> None:
    """NaN for no sample, and for no field."""
    assert np.isnan(mvce([], [], random=np.random.default_rng(0)))
    assert np.isnan(field_error([1.0], [0.5], np.zeros((1, 0))))
