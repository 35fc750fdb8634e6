"""Live calibration finds the factor between what was predicted and what happened, and never leaves its bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.calibration.live import LiveCalibration


@given(clicks=st.lists(st.booleans(), max_size=50), rate=st.floats(0.001, 1.0))
def test_the_factor_stays_within_its_bounds(clicks: list[bool], rate: float) -> None:
    """Whatever comes, prices move by a bounded factor."""
    live = LiveCalibration(half_life=5.0, pseudo_clicks=1.0)
    for clicked in clicks:
        live.served(rate, live.factor)
        if clicked:
            live.clicked()
        assert live.bounds[0] <= live.factor <= live.bounds[1]


def test_nothing_known_changes_nothing() -> None:
    """The first factor is one."""
    assert LiveCalibration().factor == 1.0


@pytest.mark.parametrize("truth", [0.5, 1.0, 1.6])
def test_it_settles_on_the_models_error_not_on_its_own(truth: float) -> None:
    """Served with its own factor in the loop, PCOC of the corrected predictions settles near one."""
    random = np.random.default_rng(0)
    live = LiveCalibration(half_life=500.0)
    predicted = happened = 0.0
    for step in range(60_000):
        raw = random.uniform(0.02, 0.2)
        factor = live.factor
        clicked = random.random() < min(raw * truth, 1.0)
        live.served(raw * factor, factor)
        if clicked:
            live.clicked()
        if step > 20_000:
            predicted += raw * factor
            happened += clicked
    assert live.factor == pytest.approx(truth, rel=0.08)
    assert predicted / happened == pytest.approx(1.0, abs=0.03)


def test_it_forgets() -> None:
    """After a change of the world the old one is forgotten with the half-life."""
    live = LiveCalibration(half_life=100.0, pseudo_clicks=1.0)
    for _ in range(20_000):
        live.served(0.1 * live.factor, live.factor)
    assert live.factor == live.bounds[0]
    random = np.random.default_rng(1)
    for _ in range(20_000):
        live.served(0.1 * live.factor, live.factor)
        if random.random() < 0.1:
            live.clicked()
    assert live.factor == pytest.approx(1.0, rel=0.25)
