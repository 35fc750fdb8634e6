"""Pooling adjacent violators: the non-decreasing sequence nearest to a given one (Ayer et al., 1955)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pooled(values: Sequence[float], weights: Sequence[float]) -> NDArray[np.float64]:
    """argmin of sum_i w_i (z_i - y_i)^2 over non-decreasing z: values, weights [n], w > 0 -> [n].

    O(n), one Python step a value: for short sequences such as slots. Long ones go through scikit-learn.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        mean, total, length = float(value), float(weight), 1
        while blocks and blocks[-1][0] >= mean:
            left, left_total, left_length = blocks.pop()
            mean = (left * left_total + mean * total) / (left_total + total)
            total, length = left_total + total, left_length + length
        blocks.append((mean, total, length))
    return np.repeat([mean for mean, _, _ in blocks], [length for _, _, length in blocks]).astype(np.float64)
