"""PCOC: predicted clicks over clicks; 1 is right on average, 1.1 promises a tenth too many."""

import numpy as np
from numpy.typing import ArrayLike


def pcoc(label: ArrayLike, probability: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Sum of probabilities over sum of labels, weighted; [n] each. NaN without any click.

    >>> pcoc([1, 0, 1, 0], [0.6, 0.4, 0.8, 0.4])
    1.1
    """
    y, p = np.asarray(label, np.float64), np.asarray(probability, np.float64)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    clicks = float((w * y).sum())
    return float((w * p).sum()) / clicks if clicks > 0 else float("nan")
