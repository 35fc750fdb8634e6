"""Laws of the two searches for virtual bids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.auction.virtual_bids import SPSAConfig, golden_section, spsa
from adcascade.errors import InputError


@given(peak=st.floats(-3, 3), steep=st.floats(0.1, 50))
def test_golden_section_finds_the_peak_of_a_unimodal_metric(peak: float, steep: float) -> None:
    """Within the asked width, also where one side is steeper and where the peak lies outside the range."""
    found = golden_section(lambda x: -abs(x - peak) * (steep if x > peak else 1.0), -2.0, 2.0, width=1e-4)
    assert abs(found - np.clip(peak, -2.0, 2.0)) <= 1e-4


def test_golden_section_asks_once_a_step() -> None:
    """A step leaves 0.618 of the width for one question: 1e-3 of a width costs 16 of them."""
    asked: list[float] = []

    def metric(x: float) -> float:
        asked.append(x)
        return -x * x

    golden_section(metric, -1.0, 1.0, width=2e-3)
    assert len(asked) <= 17
    assert len(set(asked)) == len(asked)


def test_bad_ranges_are_refused() -> None:
    """An empty range, no width, an empty box."""
    for low, high, width in ((1.0, 1.0, 0.1), (0.0, 1.0, 0.0)):
        with pytest.raises(InputError):
            golden_section(lambda x: x, low, high, width=width)
    with pytest.raises(InputError, match="box"):
        spsa(lambda v, k: 0.0, [0.0], [(1.0, 0.0)], np.random.default_rng(0))


@given(seed=st.integers(0, 2**16), d=st.integers(1, 4))
def test_spsa_climbs_a_hill_through_shared_noise(seed: int, d: int) -> None:
    """Both questions of a step see the same noise, which then cancels: the peak is approached, the box never left."""
    random = np.random.default_rng(seed)
    peak = random.uniform(0.2, 0.8, d)

    def hill(v: np.ndarray, k: int) -> float:
        return float(-((v - peak) ** 2).sum() + np.random.default_rng(k).normal(0, 5.0))

    path = spsa(hill, np.zeros(d), [(0.0, 1.0)] * d, random, SPSAConfig(steps=200, step=0.5))
    assert path.shape == (201, d)
    assert ((path >= 0.0) & (path <= 1.0)).all()
    assert np.abs(path[-1] - peak).max() < 0.15


def test_spsa_repeats_itself() -> None:
    """The same random numbers give the same path."""
    one, other = (spsa(lambda v, k: float(v.sum()), [0.5], [(0.0, 1.0)], np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)
