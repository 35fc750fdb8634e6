"""Field error: how far predicted and observed sums are apart among samples that share a feature's value.

    mean over features f of  Σ_v | Σ_{i: x_if = v} (y_i - p_i) | / n

It sees what bins of the score cannot: two ads of one score, one promised too much and one too little (compare the
field-level calibration error of Pan et al., "Field-aware calibration", WWW 2020).
"""

import numpy as np
from numpy.typing import ArrayLike


def field_error(label: ArrayLike, probability: ArrayLike, fields: ArrayLike) -> float:
    """Of labels and probabilities [n] and the values of F features, whole numbers [n, F]; NaN for n = 0 or F = 0.

    >>> field_error([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], [[0], [1], [0], [1]])
    0.5
    """
    gap = np.asarray(label, np.float64) - np.asarray(probability, np.float64)
    values = np.asarray(fields)
    if values.size == 0:
        return float("nan")
    apart = 0.0
    for column in values.T:
        _, place = np.unique(column, return_inverse=True)
        apart += float(np.abs(np.bincount(place, gap)).sum())
    return apart / values.size
