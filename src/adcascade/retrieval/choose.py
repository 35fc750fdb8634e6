"""Choosing some rows among many that a filter must let through, without looking at what is not chosen.

Rows that lie in the order of their value are read from the front until there are enough: of thousands some hundred.

Letters: N rows of the catalog, M of a list.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.retrieval.best import best

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]
NOBODY = np.empty(0, np.int32)


def in_order(rows: Rows, value: Floats) -> Rows:
    """The rows of a list [M] by falling value, float32 [N] by row; of equal ones the lower row first, NaN left out."""
    worth = value[rows]
    known = ~np.isnan(worth)
    return best(rows[known], worth[known], int(known.sum()))[0]


def first_of(ordered: Rows, k: int, bits: Bits, without: Rows = NOBODY) -> Rows:
    """The first k rows of a list [M] that are in the bitmap and not in `without`, in their order."""
    if k <= 0 or not len(ordered):
        return NOBODY
    return _first(ordered, min(k, len(ordered)), bits, np.sort(without))


@njit(cache=True)
def add_up(rows: Rows, weight: float, bits: Bits, sums: NDArray[np.float64], found: tuple[Rows, int]) -> int:
    """Add `weight` to the sums, float64 [N], of a list's rows [M] that are in the bitmap.

    Rows whose sum was 0 are written behind the first ones of an array, found: the array, how many; how many then.
    """
    touched, count = found
    for row in rows:
        if (bits[row >> 3] >> (row & 7)) & 1:
            if sums[row] == 0.0:
                touched[count] = row
                count += 1
            sums[row] += weight
    return count


@njit(cache=True)
def _first(ordered: Rows, k: int, bits: Bits, without: Rows) -> Rows:
    found = np.empty(k, np.int32)
    count = 0
    for row in ordered:
        if not (bits[row >> 3] >> (row & 7)) & 1:
            continue
        place = np.searchsorted(without, row)
        if place < len(without) and without[place] == row:
            continue
        found[count] = row
        count += 1
        if count == k:
            break
    return found[:count]
