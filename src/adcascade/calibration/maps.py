"""The maps of calibration: a predicted probability in, a calibrated one out.

    isotonic   piecewise linear through knots (x_j, y_j); outside the knots the nearest y
    platt      sigmoid(a logit(p) + b),  a >= 0
    beta       sigmoid(a ln p - b ln(1 - p) + c),  a, b >= 0
    steps      y_j between the edges x_j and x_j+1: histogram and scaling-binning
    none       p

None changes the order of two, but for the steps of a histogram.

What each stores is a few numbers; `encoded` writes them as JSON and `decoded` reads them back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from adcascade.metrics.logistic import sigmoid

Floats = NDArray[np.float64]
EDGE = 1e-7  # logits are taken of probabilities in [EDGE, 1 - EDGE]


class Calibrator(Protocol):
    """A map of [0, 1] into itself."""

    def __call__(self, p: ArrayLike) -> Floats:
        """Calibrated probabilities [n] of predicted ones [n]; NaN stays NaN."""
        ...


def logit(p: ArrayLike) -> Floats:
    """log(p / (1 - p)) of p clipped to [EDGE, 1 - EDGE]: [n] -> [n]."""
    yes, no = log_odds(p)
    return yes + no


def log_odds(p: ArrayLike) -> tuple[Floats, Floats]:
    """(ln p, -ln(1 - p)) of p clipped to [EDGE, 1 - EDGE], whose sum is the logit: [n] -> [n], [n]."""
    clipped = np.clip(np.asarray(p, np.float64), EDGE, 1.0 - EDGE)
    return np.log(clipped), -np.log1p(-clipped)


@dataclass(frozen=True, slots=True)
class Identity:
    """The map of "none": p itself, clipped to [0, 1]."""

    def __call__(self, p: ArrayLike) -> Floats:
        """p [n]."""
        return np.clip(np.asarray(p, np.float64), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Platt:
    """sigmoid(a logit(p) + b) (Platt, 1999, on the logit): two numbers, right where all scores are off alike."""

    a: float = 1.0
    b: float = 0.0

    def __call__(self, p: ArrayLike) -> Floats:
        """Calibrated [n]; p = 0 and 1 are taken as EDGE and 1 - EDGE."""
        return sigmoid(self.a * logit(p) + self.b)


@dataclass(frozen=True, slots=True)
class Beta:
    """sigmoid(a ln p - b ln(1 - p) + c) (Kull et al., 2017): right where scores are beta variables."""

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    def __call__(self, p: ArrayLike) -> Floats:
        """Calibrated [n]; p = 0 and 1 are taken as EDGE and 1 - EDGE."""
        yes, no = log_odds(p)
        return sigmoid(self.a * yes + self.b * no + self.c)


@dataclass(frozen=True, slots=True)
class Steps:
    """Constant between edges x (rising), values y, one more than edges; an edge belongs to the bin above it."""

    x: Floats  # [J]
    y: Floats  # [J + 1]

    def __call__(self, p: ArrayLike) -> Floats:
        """Calibrated [n]."""
        given = np.asarray(p, np.float64)
        return np.where(np.isnan(given), np.nan, self.y[np.searchsorted(self.x, given, side="right")])


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Linear between knots x (rising) with values y (not falling), constant outside (Zadrozny and Elkan, 2002)."""

    x: Floats = field(default_factory=lambda: np.array([0.0, 1.0]))  # [J]
    y: Floats = field(default_factory=lambda: np.array([0.0, 1.0]))  # [J]

    def __call__(self, p: ArrayLike) -> Floats:
        """Calibrated [n]."""
        given = np.asarray(p, np.float64)
        return np.where(np.isnan(given), np.nan, np.interp(given, self.x, self.y))  # one knot would answer NaN


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A map as JSON: x and y of isotonic and steps, (a, b) of platt, (a, b, c) of beta."""

    method: str
    x: list[float] = []
    y: list[float] = []
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0


def encoded(calibrator: Calibrator) -> Stored:
    """What to write for one of the maps of this file."""
    match calibrator:
        case Isotonic() | Steps():
            name = "isotonic" if isinstance(calibrator, Isotonic) else "steps"
            return Stored(method=name, x=calibrator.x.tolist(), y=calibrator.y.tolist())
        case Platt():
            return Stored(method="platt", a=calibrator.a, b=calibrator.b)
        case Beta():
            return Stored(method="beta", a=calibrator.a, b=calibrator.b, c=calibrator.c)
        case Identity():
            return Stored(method="none")
    raise TypeError(f"{calibrator!r} has no stored form; write isotonic, platt, beta, steps or none")


def decoded(stored: Stored) -> Calibrator:
    """The map that was written; ValueError where its numbers are no such map."""
    make = FORMS.get(stored.method)
    if make is None:
        raise ValueError(f"calibration method is {stored.method!r}; expected {', '.join(FORMS)}")
    return make(stored)


def _platt(stored: Stored) -> Platt:
    if not (np.isfinite([stored.a, stored.b]).all() and stored.a >= 0):
        raise ValueError(f"platt has a = {stored.a}, b = {stored.b}; expected finite numbers, a not below 0")
    return Platt(stored.a, stored.b)


def _beta(stored: Stored) -> Beta:
    if not (np.isfinite([stored.a, stored.b, stored.c]).all() and min(stored.a, stored.b) >= 0):
        raise ValueError(
            f"beta has a = {stored.a}, b = {stored.b}, c = {stored.c}; expected finite numbers, a and b not below 0"
        )
    return Beta(stored.a, stored.b, stored.c)


def _isotonic(stored: Stored) -> Isotonic:
    x, y = np.array(stored.x, np.float64), np.array(stored.y, np.float64)
    if not len(x) or len(x) != len(y) or np.any(np.diff(x) <= 0) or np.any(np.diff(y) < 0):
        raise ValueError(f"isotonic has knots {len(x)} x and {len(y)} y; expected as many, x rising, y not falling")
    if not (y[0] >= 0 and y[-1] <= 1):
        raise ValueError(f"isotonic maps to [{y[0]}, {y[-1]}]; expected probabilities")
    return Isotonic(x, y)


def _steps(stored: Stored) -> Steps:
    x, y = np.array(stored.x, np.float64), np.array(stored.y, np.float64)
    if len(y) != len(x) + 1 or np.any(np.diff(x) <= 0) or not np.all((y >= 0) & (y <= 1)):
        raise ValueError(f"steps have {len(x)} edges and {len(y)} values; expected rising edges, one more probability")
    return Steps(x, y)


FORMS: dict[str, Callable[[Stored], Calibrator]] = {
    "isotonic": _isotonic,
    "platt": _platt,
    "beta": _beta,
    "steps": _steps,
    "none": lambda stored: Identity(),  # noqa: ARG005  the signature of a form
}
