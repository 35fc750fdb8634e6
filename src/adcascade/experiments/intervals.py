"""Intervals that stay honest where the allocation followed the outcomes.

A figure of an arm is a ratio of sums over its units: conversions per click, clicks per request, money per request.

    r = sum w y / sum w n,    w = 1 / sqrt(p)        p the share with which chance gave the unit this arm
    variance = sum w^2 (y - r n)^2 / (sum w n)^2

In a fixed split p is constant, w cancels, and this is the ordinary ratio with its linearised variance; units, not
clicks, are counted as independent. In an adaptive one the plain mean is biased (an arm that was unlucky early is asked
less), and weights 1 / p are unbiased but erratic. Their square root makes every unit contribute the same variance
whatever p was, so that the studentised sum is normal again (Hadad, Hirshberg, Zhan, Wager, Athey, "Confidence intervals
for policy evaluation in adaptive experiments", PNAS 2021; here self-normalised).

Rates get Wilson's interval with the effective number of trials r (1 - r) / variance; other means Student's t.
Differences of two arms add the squares of the distances to the ends (Newcombe 1998).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from adcascade.experiments.cohorts import Floats

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; NaN where nothing was counted."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether anything was counted."""
        return not math.isnan(self.value)


NOTHING = Estimate(math.nan, math.nan, math.nan)


def ratio(y: Floats, n: Floats, share: Floats, *, rate: bool) -> Estimate:
    """Of one arm's units: y per n, each [units], each unit's share in (0, 1]. rate: y counts some of the n.

    >>> ratio(np.array([1.0, 0.0]), np.array([10.0, 10.0]), np.array([0.5, 0.5]), rate=True).value
    0.05
    """
    weight = 1.0 / np.sqrt(share)
    total = float((weight * n).sum())
    if not total:
        return NOTHING
    value = float((weight * y).sum()) / total
    variance = float((weight**2 * (y - value * n) ** 2).sum()) / total**2
    counted = int((n > 0).sum())
    if rate:
        trials = value * (1 - value) / variance if variance > 0 else total**2 / float(((weight * n) ** 2).sum())
        return wilson(value, trials)
    half = student_t(counted - 1) * math.sqrt(variance * counted / (counted - 1)) if counted > 1 else math.inf
    return Estimate(value, value - half, value + half)


def wilson(value: float, trials: float) -> Estimate:
    """Wilson's interval of a rate over so many trials, a fraction of one being allowed.

    >>> one = wilson(0.0, 100.0)
    >>> (one.low, round(one.high, 3))
    (0.0, 0.037)
    """
    z2 = Z * Z
    middle = (value + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z / (1 + z2 / trials) * math.sqrt(value * (1 - value) / trials + z2 / (4 * trials * trials))
    return Estimate(value, min(max(middle - half, 0.0), value), max(min(middle + half, 1.0), value))


def student_t(freedom: int) -> float:
    """The 0.975 quantile of Student's t, by Hill's expansion: within 1 % from 3 degrees of freedom.

    >>> [round(student_t(v), 2) for v in (5, 30, 1000)]
    [2.57, 2.04, 1.96]
    """
    z, v = Z, float(freedom)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / v + second / v**2 + third / v**3


def difference(one: Estimate, other: Estimate) -> Estimate:
    """one - other, of two independent figures.

    >>> difference(Estimate(5.0, 2.0, 8.0), Estimate(1.0, -3.0, 5.0))
    Estimate(value=4.0, low=-1.0, high=9.0)
    """
    value = one.value - other.value
    down = math.hypot(one.value - one.low, other.high - other.value)
    up = math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, value - down, value + up)
