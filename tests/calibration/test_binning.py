"""Laws of the beta map and of the maps by bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from adcascade.calibration import Calibrator, logit, sigmoid
from adcascade.calibration.beta import fit_beta
from adcascade.calibration.binning import BINS, fit_histogram, fit_scaling_binning
from adcascade.calibration.maps import log_odds
from adcascade.calibration.platt import fit_platt
from adcascade.metrics import ece

rows = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1), st.floats(0.1, 5)), min_size=1, max_size=80)


def columns(samples: list[tuple[float, int, float]]) -> list[np.ndarray]:
    """Predictions, labels, weights."""
    return [np.array(column, float) for column in zip(*samples, strict=True)]


def test_beta_equals_an_independent_logistic_regression() -> None:
    """scikit-learn on (ln p, -ln(1 - p)) without penalty finds the same a, b and c, with weights."""
    random = np.random.default_rng(2)
    p, w = random.uniform(0.01, 0.6, 20_000), random.uniform(0.1, 3, 20_000)
    y = (random.random(len(p)) < sigmoid(0.8 * np.log(p) - 1.5 * np.log1p(-p) - 0.3)).astype(float)
    X = np.stack(log_odds(p), axis=1)
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, y, sample_weight=w)
    fitted = fit_beta(p, y, w, prior=1e-9)
    np.testing.assert_allclose([fitted.a, fitted.b], other.coef_[0], rtol=1e-3)
    assert fitted.c == pytest.approx(float(other.intercept_[0]), rel=1e-3)


@given(samples=rows)
def test_beta_never_turns_the_order_around(samples: list[tuple[float, int, float]]) -> None:
    """Separable, constant or contradictory data all give finite a, b >= 0."""
    fitted = fit_beta(*columns(samples))
    assert np.isfinite([fitted.a, fitted.b, fitted.c]).all()
    assert min(fitted.a, fitted.b) >= 0


def test_beta_bends_where_platt_cannot() -> None:
    """Labels from a beta map with unequal slopes: lower error on rows not fitted than Platt's two numbers allow."""
    random = np.random.default_rng(4)
    p = random.uniform(0.01, 0.95, 100_000)
    truth = sigmoid(0.4 * np.log(p) - 2.0 * np.log1p(-p) - 1.0)
    y = (random.random(len(p)) < truth).astype(float)
    ones = np.ones(50_000)
    maps: list[Calibrator] = [fit_beta(p[:50_000], y[:50_000], ones), fit_platt(p[:50_000], y[:50_000], ones)]
    beta, platt = (np.abs(fitted(p[50_000:]) - truth[50_000:]).mean() for fitted in maps)
    assert beta < 0.3 * platt


@given(samples=rows)
def test_a_histogram_is_the_mean_label_of_each_bin(samples: list[tuple[float, int, float]]) -> None:
    """A slow twin, bin by bin; at most BINS bins, none of them empty."""
    p, y, w = columns(samples)
    fitted = fit_histogram(p, y, w)
    assert len(fitted.y) <= BINS
    mean = np.average(y, weights=w)
    for place, low, high in zip(range(len(fitted.y)), [-1, *fitted.x], [*fitted.x, 2], strict=True):
        mine = (p >= low) & (p < high)
        assert mine.any()
        assert fitted.y[place] == pytest.approx((w[mine] @ y[mine] + mean) / (w[mine].sum() + 1))


@given(samples=rows)
def test_scaling_binning_keeps_order_and_the_scaled_total(samples: list[tuple[float, int, float]]) -> None:
    """Its steps never fall, and the weighted sum of its values is that of Platt's."""
    p, y, w = columns(samples)
    fitted = fit_scaling_binning(p, y, w)
    assert (np.diff(fitted.y) >= -1e-12).all()
    assert w @ fitted(p) == pytest.approx(w @ fit_platt(p, y, w)(p))


@pytest.mark.parametrize("fit", [fit_beta, fit_histogram, fit_scaling_binning])
def test_each_mends_a_score_that_is_off(fit) -> None:  # type: ignore[no-untyped-def]
    """Slope 0.6 and level wrong: ECE on rows not fitted falls to a fifth."""
    random = np.random.default_rng(5)
    truth = sigmoid(random.normal(-2, 1, 100_000))
    p = sigmoid(0.6 * logit(truth) + 0.3)
    y = (random.random(len(p)) < truth).astype(float)
    q = fit(p[::2], y[::2], np.ones(50_000))(p[1::2])
    assert ece(y[1::2], q) < 0.2 * ece(y[1::2], p[1::2])
