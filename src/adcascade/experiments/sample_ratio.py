"""Sample ratio: whether each arm got as many units as chance was told to send it.

    d  = units - sum over allocations of n p             n units came first under an allocation of shares p
    V  = sum over allocations of n (diag(p) - p p')      covariance of d, where only chance was at work
    X2 = d' V^- d  ~  chi-square, as many degrees of freedom as V has ranks

Under one allocation this is Pearson's test. A mismatch means that units were lost or doubled on the way, more in one
arm than in the other: then the arms hold different people, and no figure of the experiment can be believed (Fabijan et
al., "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019).
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from adcascade.experiments.experiment import Allocation

SUSPECT = 0.001  # of so many sound experiments one is called broken; low, since one looks often


class SampleRatio(msgspec.Struct, frozen=True, kw_only=True):
    """Units that came to each arm, those that were to be expected, and P(so far apart or farther by chance)."""

    units: tuple[int, ...]
    expected: tuple[float, ...]
    p: float

    @property
    def broken(self) -> bool:
        """Whether chance does not explain it."""
        return self.p < SUSPECT


def sample_ratio(came: Mapping[int, Sequence[int]], allocations: Sequence[Allocation]) -> SampleRatio | None:
    """Of units by number of the allocation and arm; None where none came.

    >>> even = Allocation(number=1, from_us=0, shares=(0.5, 0.5))
    >>> round(sample_ratio({1: (60, 40)}, [even]).p, 4)
    0.0455
    """
    shares = {one.number: np.array(one.shares) for one in allocations}
    known = {number: np.array(units, np.float64) for number, units in came.items() if number in shares}
    if not known:
        return None
    units = np.sum(list(known.values()), axis=0)
    expected, spread = np.zeros(len(units)), np.zeros((len(units), len(units)))
    for number, counted in known.items():
        n, p = counted.sum(), shares[number] / shares[number].sum()
        expected += n * p
        spread += n * (np.diag(p) - np.outer(p, p))
    return SampleRatio(
        units=tuple(int(one) for one in units), expected=tuple(expected.tolist()), p=_chance(units - expected, spread)
    )


def _chance(apart: np.ndarray, spread: np.ndarray) -> float:
    variance, direction = np.linalg.eigh(spread)
    along = direction.T @ apart
    moves = variance > 1e-9 * max(1.0, float(variance.max()))
    if np.abs(along[~moves]).max(initial=0.0) > 1e-6 * max(1.0, float(np.abs(apart).max())):
        return 0.0  # a unit stands where no share was given
    return chi_square_survival(float((along[moves] ** 2 / variance[moves]).sum()), int(moves.sum()))


def chi_square_survival(x: float, freedom: int) -> float:
    """P(a chi-square variable > x), of whole degrees of freedom.

    >>> round(chi_square_survival(3.841, 1), 3), round(chi_square_survival(5.991, 2), 3), chi_square_survival(1.0, 0)
    (0.05, 0.05, 1.0)
    """
    half = x / 2
    if freedom <= 0 or half <= 0:
        return 1.0
    odd = freedom % 2
    a, found = (0.5, math.erfc(math.sqrt(half))) if odd else (1.0, math.exp(-half))
    while a < freedom / 2:  # Q(a + 1, h) = Q(a, h) + h^a exp(-h) / Gamma(a + 1)
        found += math.exp(a * math.log(half) - half - math.lgamma(a + 1))
        a += 1
    return found
