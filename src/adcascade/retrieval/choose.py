"""Choosing some rows among many that a filter must let through, in one pass and without sorting what is not chosen.

A heap of k holds the best so far, its worst on top; most rows are no better than that and cost two reads.

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


def choose(rows: Rows, k: int, bits: Bits, value: Floats, without: Rows = NOBODY) -> tuple[Rows, Floats]:
    """The k rows of a list [M] with the highest value, float32 [N] by row: those in the bitmap and not in `without`.

    Best first; of equal values the lower row. A row whose value is NaN is not chosen.
    """
    if k <= 0 or not len(rows):
        return NOBODY, value[:0]
    chosen = _chosen(rows, min(k, len(rows)), bits, value, np.sort(without))
    return best(chosen, value[chosen], k)


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
def _chosen(rows: Rows, k: int, bits: Bits, value: Floats, without: Rows) -> Rows:
    heap = np.empty(k, np.int32)
    size = 0
    for row in rows:
        worth = value[row]
        if not (bits[row >> 3] >> (row & 7)) & 1 or np.isnan(worth):
            continue
        if size == k and not _worse(heap[0], row, value):
            continue
        place = np.searchsorted(without, row)
        if place < len(without) and without[place] == row:
            continue
        if size < k:
            heap[size] = row
            size += 1
            _rise(heap, size - 1, value)
        else:
            heap[0] = row
            _sink(heap, size, value)
    return heap[:size]


@njit(cache=True)
def _worse(one: int, other: int, value: Floats) -> bool:
    """Whether the first row comes after the second."""
    return bool(value[one] < value[other] or (value[one] == value[other] and one > other))


@njit(cache=True)
def _rise(heap: Rows, place: int, value: Floats) -> None:
    while place > 0 and _worse(heap[place], heap[(place - 1) // 2], value):
        above = (place - 1) // 2
        heap[place], heap[above] = heap[above], heap[place]
        place = above


@njit(cache=True)
def _sink(heap: Rows, size: int, value: Floats) -> None:
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            return
        if child + 1 < size and _worse(heap[child + 1], heap[child], value):
            child += 1
        if not _worse(heap[child], heap[place], value):
            return
        heap[place], heap[child] = heap[child], heap[place]
        place = child
