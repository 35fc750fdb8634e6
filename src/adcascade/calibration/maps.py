"""The maps of calibration: a predicted probability in, a calibrated one out, never changing the order of two.

    isotonic   piecewise linear through knots (x_j, y_j); outside the knots the nearest y
    platt      sigmoid(a logit(p) + b),  a >= 0
    none       p

What each stores is a few numbers; `encoded` writes them as JSON and `decoded` reads them back.
"""

from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
EDGE = 1e-7  # logits are taken of probabilities in [EDGE, 1 - EDGE]


class Calibrator(Protocol):
    """A non-decreasing map of [0, 1] into itself."""

    def __call__(self, p: ArrayLike) -> Floats:
        """Calibrated probabilities [n] of predicted ones [n]; NaN stays NaN."""
        ...


def logit(p: ArrayLike) -> Floats:
    """log(p / (1 - p)) of p clipped to [EDGE, 1 - EDGE]: [n] -> [n]."""
    clipped = np.clip(np.asarray(p, np.float64), EDGE, 1.0 - EDGE)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def sigmoid(z: ArrayLike) -> Floats:
    """1 / (1 + e^-z) without overflow: [n] -> [n]."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(z, np.float64))))


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
class Isotonic:
    """Linear between knots x (rising) with values y (not falling), constant outside (Zadrozny and Elkan, 2002)."""

    x: Floats = field(default_factory=lambda: np.array([0.0, 1.0]))  # [J]
    y: Floats = field(default_factory=lambda: np.array([0.0, 1.0]))  # [J]

    def __call__(self, p: ArrayLike) -> Floats:
        """Calibrated [n]."""
        given = np.asarray(p, np.float64)
        return np.where(np.isnan(given), np.nan, np.interp(given, self.x, self.y))  # one knot would answer NaN


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A map as JSON: x and y of isotonic, (a, b) of platt."""

    method: str
    x: list[float] = []
    y: list[float] = []
    a: float = 1.0
    b: float = 0.0


def encoded(calibrator: Calibrator) -> Stored:
    """What to write for one of the maps of this file."""
    if isinstance(calibrator, Isotonic):
        return Stored(method="isotonic", x=calibrator.x.tolist(), y=calibrator.y.tolist())
    if isinstance(calibrator, Platt):
        return Stored(method="platt", a=calibrator.a, b=calibrator.b)
    if isinstance(calibrator, Identity):
        return Stored(method="none")
    raise TypeError(f"{calibrator!r} has no stored form; write isotonic, platt or none")


def decoded(stored: Stored) -> Calibrator:
    """The map that was written; ValueError where its numbers are no monotone map."""
    if stored.method == "none":
        return Identity()
    if stored.method == "platt":
        if not (np.isfinite(stored.a) and np.isfinite(stored.b) and stored.a >= 0):
            raise ValueError(f"platt has a = {stored.a}, b = {stored.b}; expected finite numbers, a not below 0")
        return Platt(stored.a, stored.b)
    if stored.method == "isotonic":
        x, y = np.array(stored.x, np.float64), np.array(stored.y, np.float64)
        if not len(x) or len(x) != len(y) or np.any(np.diff(x) <= 0) or np.any(np.diff(y) < 0):
            raise ValueError(f"isotonic has knots {len(x)} x and {len(y)} y; expected as many, x rising, y not falling")
        if not (y[0] >= 0 and y[-1] <= 1):
            raise ValueError(f"isotonic maps to [{y[0]}, {y[-1]}]; expected probabilities")
        return Isotonic(x, y)
    raise ValueError(f"calibration method is {stored.method!r}; expected isotonic, platt or none")
