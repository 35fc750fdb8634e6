"""Inner products of one query with vectors at any rows, compiled: read where they lie, without a copy of them.

Letters: N rows, K width of a vector, M rows of a call.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.features.prefetch import AHEAD, fetch_row

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
VECTORS = {"reassoc", "contract", "nsz"}  # sums in any order: else no vector instructions are used


@njit(cache=True, fastmath=VECTORS)
def products(vectors: Floats, rows: Rows, query: Floats) -> Floats:
    """query [K] . vectors [N, K] at rows [M]: float32 [M]."""
    found = np.empty(len(rows), np.float32)
    for place in range(len(rows)):
        if place + AHEAD < len(rows):
            fetch_row(vectors, rows[place + AHEAD])
        vector, total = vectors[rows[place]], np.float32(0)
        for unit in range(len(query)):
            total += vector[unit] * query[unit]
        found[place] = total
    return found
