"""Laws of slot factors."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.calibration import read_slot_factors, slot_factors, write_slot_factors
from adcascade.calibration.slots import FILE
from adcascade.errors import BundleError

impressions = st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1), st.booleans()), max_size=60)


@given(rows=impressions, strength=st.floats(0.1, 100), prior=st.floats(0, 2))
def test_factors_start_at_one_and_never_rise(
    rows: list[tuple[int, float, bool]], strength: float, prior: float
) -> None:
    """Whatever was seen: f_0 = 1 >= f_1 >= ... >= 0."""
    slot = np.array([s for s, _, _ in rows], np.int32)
    p = np.array([q for _, q, _ in rows])
    y = np.array([c for _, _, c in rows], float)
    factors = slot_factors(slot, p, y, slots=5, prior=prior, strength=strength)
    assert factors[0] == 1.0
    assert np.all(np.diff(factors) <= 0)
    assert factors[-1] >= 0


def test_without_impressions_the_prior_is_all_there_is() -> None:
    """The factors served so far stay."""
    none = np.zeros(0)
    factors = slot_factors(np.zeros(0, np.int32), none, none, slots=3, prior=[1.0, 0.7, 0.5])
    np.testing.assert_allclose(factors, [1.0, 0.7, 0.5])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_known_factors_come_back(seed: int) -> None:
    """Clicks drawn as p * f_k, better ads in better slots: within 0.05 of f after 240,000 impressions."""
    random, truth = np.random.default_rng(seed), np.array([1.0, 0.7, 0.5, 0.35])
    slot = random.integers(0, 4, 240_000)
    p = random.beta(2, 14, 240_000) * (1.2 - 0.2 * slot)
    y = (random.random(240_000) < p * truth[slot]).astype(float)
    np.testing.assert_allclose(slot_factors(slot, p, y), truth, atol=0.05)


def test_the_posterior_mean_by_hand() -> None:
    """Slot 0: 30 clicks of 20 expected, slot 1: none of 5; strength 10 about 1: 40/30 and 10/15, so 0.5."""
    slot = np.array([0] * 40 + [1] * 10)
    clicked = np.array([1.0] * 30 + [0.0] * 20)
    factors = slot_factors(slot, np.full(50, 0.5), clicked, strength=10.0)
    np.testing.assert_allclose(factors, [1.0, 0.5])


def test_a_lower_slot_that_got_more_is_pooled_with_the_one_above() -> None:
    """A rise is noise: both slots get the mean weighted by what they were expected to get."""
    slot = np.array([0] * 100 + [1] * 100 + [2] * 100)
    clicked = np.concatenate([np.ones(60), np.zeros(40), np.ones(20), np.zeros(80), np.ones(30), np.zeros(70)])
    factors = slot_factors(slot, np.full(300, 0.6), clicked, strength=1e-9)
    np.testing.assert_allclose(factors, [1.0, 25 / 60, 25 / 60])


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    """float32 as read; absent: one slot like another; damaged: named."""
    assert read_slot_factors(tmp_path).tolist() == [1.0]
    write_slot_factors(tmp_path, np.array([1.0, 0.5]))
    assert read_slot_factors(tmp_path).tolist() == [1.0, 0.5]
    (tmp_path / FILE).write_bytes(b'{"factors": "x"}')
    with pytest.raises(BundleError, match=FILE):
        read_slot_factors(tmp_path)
