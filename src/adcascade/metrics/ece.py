"""ECE: how far predicted and observed rates are apart, bin by bin (Naeini et al., AAAI 2015).

    ECE = Σ_b n_b / n · | mean p in b - mean y in b |

Bins of equal width show the whole range, bins of equal mass suit click rates, which crowd near zero.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ece(label: ArrayLike, probability: ArrayLike, *, bins: int = 20, kind: Literal["mass", "width"] = "mass") -> float:
    """Expected calibration error of probabilities in [0, 1] against labels, [n] each; NaN for n = 0.

    >>> ece([1, 0, 1, 0], [0.75, 0.25, 0.75, 0.25], bins=2)
    0.25
    """
    y, p = np.asarray(label, np.float64), np.asarray(probability, np.float64)
    if len(y) == 0:
        return float("nan")
    place = by_mass(p, bins) if kind == "mass" else np.minimum((p * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, p - y, bins)
    return float(np.abs(gap).sum() / len(y))


def by_mass(p: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The bin [n] of each probability [n] by its rank; equal probabilities share a bin, that of their first rank."""
    _, first, place = np.unique(np.sort(p), return_index=True, return_inverse=True)
    rank = np.empty(len(p), np.int64)
    rank[np.argsort(p, kind="stable")] = first[place]
    return rank * bins // len(p)
