"""Laws of the maps and of what is stored of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.calibration import Beta, Calibrator, Identity, Isotonic, Platt, Steps, logit, read_calibration, sigmoid
from adcascade.calibration.maps import Stored, decoded, encoded
from adcascade.calibration.stored import FILE, StoredCalibration, StoredTarget, write_calibration
from adcascade.errors import BundleError


@st.composite
def maps(draw: st.DrawFn) -> Calibrator:
    """Any map that keeps order."""
    kind = draw(st.sampled_from(["isotonic", "platt", "beta", "steps", "none"]))
    if kind == "none":
        return Identity()
    if kind == "platt":
        return Platt(draw(st.floats(0, 5)), draw(st.floats(-10, 10)))
    if kind == "beta":
        return Beta(draw(st.floats(0, 5)), draw(st.floats(0, 5)), draw(st.floats(-10, 10)))
    x = sorted(draw(st.sets(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=8)))
    y = sorted(draw(st.lists(st.floats(0, 1), min_size=len(x), max_size=len(x))))
    if kind == "steps":
        return Steps(np.array(x[1:]), np.array(y))
    return Isotonic(np.array(x), np.array(y))


@given(calibrator=maps(), p=st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_calibration_keeps_order_and_stays_a_probability(calibrator: Calibrator, p: list[float]) -> None:
    """A higher prediction never gets the lower calibrated one; all stay in [0, 1]."""
    q = calibrator(sorted(p))
    assert np.all(np.diff(q) >= -1e-15)
    assert np.all((q >= 0) & (q <= 1))


@given(calibrator=maps())
def test_what_nobody_predicted_stays_unknown(calibrator: Calibrator) -> None:
    """NaN in, NaN out."""
    assert np.isnan(calibrator([np.nan])).all()


@given(calibrator=maps(), p=st.lists(st.floats(0, 1), max_size=20))
def test_what_is_stored_comes_back(calibrator: Calibrator, p: list[float]) -> None:
    """encoded and decoded give the same map."""
    np.testing.assert_array_equal(decoded(encoded(calibrator))(p), calibrator(p))


@given(p=st.floats(1e-6, 1 - 1e-6))
def test_logit_and_sigmoid_are_inverse(p: float) -> None:
    """sigmoid(logit(p)) = p, and Platt with a = 1, b = 0 corrects nothing."""
    assert sigmoid(logit(p)) == pytest.approx(p)
    assert Platt()([p])[0] == pytest.approx(p)
    assert Beta()([p])[0] == pytest.approx(p)


def test_beyond_the_knots_the_nearest_value_holds() -> None:
    """Extrapolation is constant; between knots it is linear."""
    q = Isotonic(np.array([0.2, 0.4]), np.array([0.1, 0.3]))([0.0, 0.2, 0.3, 0.4, 1.0])
    np.testing.assert_allclose(q, [0.1, 0.1, 0.2, 0.3, 0.3])


@pytest.mark.parametrize(
    "stored",
    [
        Stored(method="magic"),
        Stored(method="platt", a=-1.0),
        Stored(method="beta", b=-0.1),
        Stored(method="beta", c=float("inf")),
        Stored(method="steps"),
        Stored(method="steps", x=[0.2, 0.2], y=[0.1, 0.2, 0.3]),
        Stored(method="steps", x=[0.2], y=[0.1, 1.2]),
        Stored(method="isotonic"),
        Stored(method="isotonic", x=[0.1, 0.2], y=[0.3]),
        Stored(method="isotonic", x=[0.2, 0.1], y=[0.1, 0.2]),
        Stored(method="isotonic", x=[0.1, 0.2], y=[0.2, 0.1]),
        Stored(method="isotonic", x=[0.1, 0.2], y=[0.2, 1.1]),
    ],
)
def test_a_file_that_holds_no_map_is_refused(stored: Stored, tmp_path: Path) -> None:
    """A map that leaves [0, 1], turns order around where its kind cannot, or is none, is a damaged bundle."""
    write_calibration(tmp_path, StoredCalibration(ctr=StoredTarget(everywhere=stored)))
    with pytest.raises(BundleError, match="build the bundle again"):
        read_calibration(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"{}}", b'{"ctr": 3}'])
def test_an_absent_or_damaged_file_is_named(content: bytes | None, tmp_path: Path) -> None:
    """The error names the file."""
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BundleError, match=FILE):
        read_calibration(tmp_path)


def test_a_calibrator_of_ones_own_has_no_stored_form() -> None:
    """Only the maps of the room can be written."""
    with pytest.raises(TypeError, match="no stored form"):
        encoded(lambda p: np.asarray(p, np.float64))
