"""MVCE: calibration error seen from many random sides (Huang et al., "MBCT", WWW 2022, arXiv 2202.04348).

    ECE(g) = sqrt( Σ_b |b| / n · (mean y in b - mean p in b)² )     of one partition g of the samples into bins b
    MVCE   = mean of ECE over R random partitions into bins of equal size

Bins cut by the score let errors cancel that the score does not show, and reward a map for the very bins it was
fitted on; random bins know neither. Their price: a random bin sees only the error that its samples have in common, and
its noise, sqrt(mean p (1 - p) / bin size), is a floor that the best probabilities do not get below. So compare two
maps with the same partitions (generators of the same seed), and look at the field error beside it.

The paper leaves open how views are drawn; random bins of equal size and the root of the mean square are what comes
nearest to its published simulation.
"""

import numpy as np
from numpy.typing import ArrayLike


def mvce(
    label: ArrayLike, probability: ArrayLike, *, bins: int = 100, views: int = 50, random: np.random.Generator
) -> float:
    """Multi-view calibration error of probabilities in [0, 1] against labels, [n] each; NaN for n = 0.

    bins: of each view, at most n; views: R.

    >>> mvce([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], bins=4, random=np.random.default_rng(0))
    0.5
    """
    gap = np.asarray(label, np.float64) - np.asarray(probability, np.float64)
    n = len(gap)
    if n == 0:
        return float("nan")
    starts = np.arange(min(bins, n)) * n // min(bins, n)  # [B], sizes differ by one at most
    size = np.diff(starts, append=n)
    errors = []
    for _ in range(views):
        total = np.add.reduceat(random.permutation(gap), starts)  # [B]
        errors.append(np.sqrt(np.sum(total**2 / size) / n))
    return float(np.mean(errors))
