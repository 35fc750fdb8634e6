"""Log loss, and the same against the loss of knowing the mean only (normalised entropy)."""

import numpy as np
from numpy.typing import ArrayLike


def log_loss(label: ArrayLike, probability: ArrayLike, weight: ArrayLike | None = None, *, eps: float = 1e-7) -> float:
    """Mean of -y log p - (1 - y) log(1 - p) in nats, p kept within [eps, 1 - eps]; [n] each, labels in [0, 1].

    >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
    0.6931
    """
    y = np.asarray(label, np.float64)
    p = np.clip(np.asarray(probability, np.float64), eps, 1 - eps)
    loss = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    return float(np.average(loss, weights=None if weight is None else np.asarray(weight, np.float64)))


def normalised_entropy(label: ArrayLike, probability: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Log loss over that of the mean label as everyone's probability (He et al., "Practical lessons", ADKDD 2014).

    Below 1 is better than the mean. NaN where all labels are 0 or all are 1.

    >>> normalised_entropy([1, 0, 0, 0], [0.25] * 4)
    1.0
    """
    y = np.asarray(label, np.float64)
    mean = float(np.average(y, weights=None if weight is None else np.asarray(weight, np.float64)))
    if mean in (0.0, 1.0):
        return float("nan")
    return log_loss(y, probability, weight) / log_loss(y, np.full(len(y), mean), weight)
