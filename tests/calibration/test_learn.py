"""Laws of fitting: isotonic, Platt, and the choice of a map per scenario."""

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from adcascade.calibration import Isotonic, Platt, logit, read_slot_factors, sigmoid
from adcascade.calibration.isotonic import fit_isotonic
from adcascade.calibration.learn import METHODS, CalibrationLearner, fit_calibration
from adcascade.calibration.maps import decoded
from adcascade.calibration.pav import pooled
from adcascade.calibration.platt import fit_platt
from adcascade.errors import ConfigurationError, InputError

rows = st.lists(
    st.tuples(st.one_of(st.sampled_from([0.1, 0.2, 0.5]), st.floats(0, 1)), st.integers(0, 1), st.floats(0.1, 5)),
    min_size=1,
    max_size=40,
)


@given(values=st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=12))
def test_pooling_equals_the_minimax_formula(values: list[tuple[float, float]]) -> None:
    """z_i = max over j <= i of min over k >= i of the mean of y_j..y_k: slow, and without any pooling."""
    y, w = (np.array(column) for column in zip(*values, strict=True))
    n = len(y)
    mean = {(j, k): np.average(y[j : k + 1], weights=w[j : k + 1]) for j in range(n) for k in range(j, n)}
    expected = [max(min(mean[j, k] for k in range(i, n)) for j in range(i + 1)) for i in range(n)]
    np.testing.assert_allclose(pooled(y.tolist(), w.tolist()), expected, atol=1e-9)


@given(samples=rows)
def test_isotonic_agrees_with_the_clicks_it_was_fitted_on(samples: list[tuple[float, int, float]]) -> None:
    """The weighted sum of calibrated predictions is that of clicks: PCOC = 1 on the own data, ties and all."""
    p, y, w = (np.array(column, float) for column in zip(*samples, strict=True))
    assert w @ fit_isotonic(p, y, w)(p) == pytest.approx(w @ y, abs=1e-9)


@given(samples=rows)
def test_isotonic_calls_nothing_impossible_or_certain(samples: list[tuple[float, int, float]]) -> None:
    """Where something happened and something did not, no calibrated value is 0 or 1."""
    p, y, w = (np.array(column, float) for column in zip(*samples, strict=True))
    q = fit_isotonic(p, y, w)(p)
    if 0 < y.sum() < len(y):
        assert q.min() > 0
        assert q.max() < 1


@given(samples=rows)
def test_isotonic_is_pooling_apart_from_its_ends(samples: list[tuple[float, int, float]]) -> None:
    """Between the lowest and the highest block the map is what pooling averaged ties gives."""
    p, y, w = (np.array(column, float) for column in zip(*samples, strict=True))
    x = np.unique(p)
    total = [w[p == value].sum() for value in x]
    plain = pooled([np.average(y[p == value], weights=w[p == value]) for value in x], total)
    got = fit_isotonic(p, y, w)(x)
    inner = (plain > 0) & (plain < 1)
    if inner.any() and not np.any(plain == 0) and not np.any(plain == 1):
        np.testing.assert_allclose(got, plain, atol=1e-9)


def test_platt_recovers_the_map_that_made_the_labels() -> None:
    """200,000 labels drawn from sigmoid(0.7 z - 0.4): a and b come back within 0.02."""
    random = np.random.default_rng(1)
    p = sigmoid(random.normal(-2, 1.5, 200_000))
    y = (random.random(len(p)) < sigmoid(0.7 * logit(p) - 0.4)).astype(float)
    fitted = fit_platt(p, y, np.ones(len(p)))
    assert fitted.a == pytest.approx(0.7, abs=0.02)
    assert fitted.b == pytest.approx(-0.4, abs=0.04)


def test_platt_equals_an_independent_logistic_regression() -> None:
    """scikit-learn without penalty finds the same a and b, with weights."""
    random = np.random.default_rng(2)
    p, w = random.uniform(0.01, 0.6, 3000), random.uniform(0.1, 3, 3000)
    y = (random.random(3000) < p**1.3).astype(float)
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(p)[:, None], y, sample_weight=w)
    fitted = fit_platt(p, y, w, prior=1e-9)
    assert fitted.a == pytest.approx(float(other.coef_[0, 0]), rel=1e-4)
    assert fitted.b == pytest.approx(float(other.intercept_[0]), rel=1e-4)


def test_platt_never_turns_the_order_around() -> None:
    """Labels that fall as predictions rise: only the mean is kept."""
    p = np.linspace(0.1, 0.9, 200)
    y = (p < 0.5).astype(float)
    fitted = fit_platt(p, y, np.ones(200))
    assert fitted.a == 0.0
    assert fitted(p).mean() == pytest.approx(y.mean(), abs=1e-4)


@given(samples=rows)
def test_platt_is_finite_on_anything(samples: list[tuple[float, int, float]]) -> None:
    """Separable, constant or contradictory data all give a monotone map."""
    p, y, w = (np.array(column, float) for column in zip(*samples, strict=True))
    fitted = fit_platt(p, y, w)
    assert np.isfinite([fitted.a, fitted.b]).all()
    assert fitted.a >= 0


def test_a_scenario_has_its_own_map_when_it_has_the_data() -> None:
    """Home is over-estimated twofold and large, kiosk small: home is mended alone, kiosk by the common map."""
    random = np.random.default_rng(3)
    scenario = np.array(["home"] * 20_000 + ["search"] * 20_000 + ["kiosk"] * 50)
    true = random.uniform(0.02, 0.2, len(scenario))
    p = np.where(scenario == "home", np.minimum(2 * true, 1), true)
    y = (random.random(len(p)) < true).astype(float)
    stored = fit_calibration(p, y, method="platt", scenario=scenario)
    assert set(stored.scenarios) == {"home", "search"}
    for name in ("home", "search"):
        mine = scenario == name
        assert decoded(stored.scenarios[name])(p[mine]).sum() == pytest.approx(y[mine].sum(), rel=1e-3)
    assert decoded(stored.everywhere)(p).sum() == pytest.approx(y.sum(), rel=1e-3)
    assert stored.rows == len(p)


def test_rows_without_weight_or_prediction_do_not_count() -> None:
    """Weight 0 and NaN predictions leave the fit as if they were not there."""
    p, y = np.array([0.1, 0.2, 0.3, np.nan, 0.9]), np.array([0, 1, 1, 0, 0.0])
    w = np.array([1, 1, 1, 1, 0.0])
    for method in METHODS:
        assert fit_calibration(p, y, w, method=method) == fit_calibration(p[:3], y[:3], w[:3], method=method)


@pytest.mark.parametrize("happened", [[], [0.0, 0.0], [1.0, 1.0]])
def test_where_nothing_can_be_learned_nothing_is_corrected(happened: list[float]) -> None:
    """No rows, no event, or nothing but events."""
    p = np.full(len(happened), 0.3)
    assert decoded(fit_calibration(p, happened).everywhere)([0.3])[0] == pytest.approx(0.3)


def test_what_cannot_be_used_is_refused() -> None:
    """Unknown method; probabilities, labels or weights out of range; columns of different lengths."""
    with pytest.raises(ConfigurationError, match="isotonic"):
        fit_calibration([0.5], [1.0], method="magic")
    for p, y, w in (([1.5], [1], [1]), ([0.5], [2], [1]), ([0.5], [np.nan], [1]), ([0.5], [1], [-1]), ([0.5], [], [])):
        with pytest.raises(InputError):
            fit_calibration(p, y, w)


def test_the_learner_exports_what_the_stage_loads(tmp_path: Path) -> None:
    """Maps and slot factors are written and read back."""
    random = np.random.default_rng(4)
    p = random.uniform(0.05, 0.5, 5000)
    y = (random.random(5000) < p / 2).astype(float)
    learner = CalibrationLearner(method="isotonic")
    learner.fit_ctr(p, y)
    learner.fit_cvr(p, y)
    learner.fit_slots(np.arange(5000) % 3, p / 2, y)
    learner.export(tmp_path)
    assert len(read_slot_factors(tmp_path)) == 3
    assert isinstance(decoded(learner.ctr.everywhere), Isotonic)
    assert isinstance(decoded(fit_calibration(p, y, method="platt").everywhere), Platt)


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_real_predictions_become_calibrated_on_rows_not_fitted(method: str) -> None:
    """Porto Seguro scores: fitted on every other row, PCOC on the rows between is within 0.95 to 1.05."""
    root = Path(os.environ.get("ADCASCADE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
    folder = root / "calibration_porto_mbct"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: put the MBCT Porto data there, or name its parent in ADCASCADE_DATA")
    rows = pq.read_table(folder / "train.parquet")
    predicted, label = rows["prediction"].to_numpy(), rows["label"].to_numpy()
    stored = fit_calibration(predicted[::2], label[::2], method=method)
    calibrated = decoded(stored.everywhere)(predicted[1::2])
    assert 0.95 <= calibrated.sum() / label[1::2].sum() <= 1.05


@pytest.mark.parametrize(("faith", "lowest", "highest"), [(0.0, 0.99, 1.01), (1e9, 1.9, 2.1), (1000.0, 1.1, 1.9)])
def test_faith_draws_the_map_towards_the_model(faith: float, lowest: float, highest: float) -> None:
    """A model that says twice the truth is halved without faith, believed with all faith, and between them else."""
    random = np.random.default_rng(0)
    truth = random.uniform(0.05, 0.2, 8000)
    clicked = (random.random(8000) < truth).astype(float)
    stored = fit_calibration(2 * truth, clicked, faith=faith)
    told = decoded(stored.everywhere)(2 * truth)
    assert lowest < told.sum() / clicked.sum() < highest
    if faith:
        order = np.argsort(truth)
        assert (np.diff(told[order]) > 0).all()
