"""The soak itself, for seconds: every figure is there, nothing is lost, and its slope finds what it must find."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.load.installation import make_catalog
from tests.load.soak import soak, theil_sen

SHORT_BOUND = 60_000.0  # KiB a minute: seconds after a start only a burst shows


def test_a_short_soak_loses_nothing_and_takes_nothing_twice(tmp_path: Path) -> None:
    """Ten seconds of pages, clicks, repeats and catalog changes: all acknowledged events are in the log once.

    A machine that is too busy for a hundred events in that time gets four and sixteen times as long.
    """
    for seconds in (10.0, 40.0, 160.0):
        folder = tmp_path / f"{seconds:.0f}"
        folder.mkdir()
        make_catalog(folder, campaigns=10)
        figures = soak(folder, seconds, 20.0, bound=SHORT_BOUND)
        assert (figures["lost"], figures["taken_twice"], figures["ledger_differences"]) == (0, 0, 0)
        assert figures["unexpected"] == {}
        assert figures["ok"], figures
        if figures["events_acknowledged"] > 100:
            break
    assert figures["events_acknowledged"] > 100
    assert figures["repeats_sent"] > 0
    assert figures["catalog_changes"] >= 10
    assert figures["files"][1] < 200


@given(st.floats(-100, 100), st.floats(-100, 100), st.integers(0, 2**16))
def test_the_slope_of_a_line_is_found_in_spite_of_outliers(slope: float, start: float, seed: int) -> None:
    """A fifth of the points may lie anywhere: the median of the slopes stays within the noise of the others."""
    chance = np.random.default_rng(seed)
    x = np.arange(60.0)
    y = start + slope * x + chance.normal(0, 0.1, 60)
    y[chance.choice(60, 12, replace=False)] += 1e4
    assert theil_sen(x, y) == pytest.approx(slope, abs=0.5)


def test_a_leak_is_no_flat_memory() -> None:
    """87 bytes a view at 50 views a second are found over half an hour of noisy samples, and none are not."""
    chance = np.random.default_rng(0)
    minutes = np.linspace(0, 30, 180)
    noise = chance.normal(0, 400, 180)
    assert theil_sen(minutes, 3e5 + 300 * minutes + noise) > 256
    assert abs(theil_sen(minutes, 3e5 + noise)) < 64
