"""Recall at k: which share of what should have been found was found among the first k."""

import numpy as np
from numpy.typing import ArrayLike


def recall_at_k(wanted: ArrayLike, found: ArrayLike, k: int | None = None) -> float:
    """Share of the ids `wanted` [m] among the first k (default: all) of the ids `found`, best first; NaN for m = 0.

    >>> recall_at_k([3, 7], [7, 1, 2, 3], k=2)
    0.5
    """
    targets = np.unique(np.asarray(wanted))
    if len(targets) == 0:
        return float("nan")
    return float(np.isin(targets, np.asarray(found)[:k]).mean())
