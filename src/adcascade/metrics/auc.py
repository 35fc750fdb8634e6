"""AUC: the probability that a clicked impression is scored above one that was not; ties count one half."""

import numpy as np
from numpy.typing import ArrayLike


def auc(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Area under the ROC curve of labels in [0, 1], scores and weights, [n] each; NaN where only one class is.

    A label between 0 and 1 counts as that share of a click and the rest of a non-click, so true
    probabilities may stand for labels.

    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    y = np.asarray(label, np.float64)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    distinct, place = np.unique(np.asarray(score), return_inverse=True)
    positive = np.bincount(place, w * y, len(distinct))
    negative = np.bincount(place, w * (1 - y), len(distinct))
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs > 0 else float("nan")
