"""The ends of a neural score, compiled: from ads at any rows to a first layer, and from a last layer to scores.

What stands between is matrix products, which NumPy's BLAS does. Each pass reads and writes memory once: a gather, an
addition and a ReLU of their own would each go over the layer again.

Letters: N capacity in catalog rows, n ads, A of the attention, H and G of the score's layers.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
VECTORS = {"reassoc", "contract", "nsz", "nnan"}  # sums in any order, no NaN: else no vector instructions are used


@njit(cache=True, fastmath=VECTORS)
def read_first(sides: Floats, rows: Rows, base: Floats, first: Floats) -> None:
    """ReLU(the ads' part of the first layer + base [H]) -> first [n, H]; sides [N, A + H]."""
    wide = sides.shape[1] - first.shape[1]
    for place in range(len(rows)):
        side, out = sides[rows[place], wide:], first[place]
        for unit in range(len(out)):
            out[unit] = max(side[unit] + base[unit], np.float32(0))


@njit(cache=True, fastmath=VECTORS)
def read_queries(sides: Floats, rows: Rows, query: Floats) -> None:
    """The ads' queries -> query [n, A]; sides [N, A + H]."""
    for place in range(len(rows)):
        side, out = sides[rows[place]], query[place]
        for unit in range(len(out)):
            out[unit] = side[unit]


@njit(cache=True, fastmath=VECTORS)
def add_first(sides: Floats, rows: Rows, first: Floats) -> None:
    """ReLU(the ads' part of the first layer + first [n, H]) -> first; sides [N, A + H]."""
    wide = sides.shape[1] - first.shape[1]
    for place in range(len(rows)):
        side, out = sides[rows[place], wide:], first[place]
        for unit in range(len(out)):
            out[unit] = max(side[unit] + out[unit], np.float32(0))


@njit(cache=True, fastmath=VECTORS)
def last_layer(second: Floats, bias: Floats, weight: Floats, scores: Floats) -> None:
    """weight [G] . ReLU(second [n, G] + bias [G]) -> scores [n]."""
    for place in range(len(scores)):
        total = np.float32(0)
        for unit in range(second.shape[1]):
            total += weight[unit] * max(second[place, unit] + bias[unit], np.float32(0))
        scores[place] = total
