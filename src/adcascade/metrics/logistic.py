"""The logistic function, written once: from a logit to a probability, without overflow and without torch."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def sigmoid(z: ArrayLike) -> NDArray[np.float64]:
    """1 / (1 + e^-z), elementwise and in double precision, which is where averages are taken: any shape.

    >>> sigmoid([0.0, 200.0, -2000.0]).tolist()
    [0.5, 1.0, 0.0]
    """
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(z, np.float64))))


def probability(logit: ArrayLike) -> NDArray[np.float32]:
    """The same in the precision that candidates carry."""
    return sigmoid(logit).astype(np.float32)
