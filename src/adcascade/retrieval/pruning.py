"""Which links a node keeps: HNSW's rule, compiled.

A candidate is kept if it lies nearer to the node than to every candidate kept before it, the nearest first: so links
point in different directions, and one of them leads on (Malkov & Yashunin 2018, algorithm 4).

Letters: N capacity in catalog rows, E width of a vector, m lines of D links, n candidates.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]


@njit(cache=True)
def connect(line: Rows, links: Rows, vectors: Floats, row: np.int32, near: Rows) -> None:
    """Link `row` to the kept of `near`, and those back to it; half of a line is left free for later links."""
    width = links.shape[1]
    kept = _kept(vectors, row, near, width // 2)
    mine = links[line[row]]
    mine[:] = -1
    mine[: len(kept)] = kept
    for other in kept:
        theirs = links[line[other]]
        free = 0
        while free < width and theirs[free] >= 0 and theirs[free] != row:
            free += 1
        if free < width:
            theirs[free] = row
        else:
            candidates = np.append(theirs, row)
            far = np.empty(len(candidates), np.float32)
            for place in range(len(candidates)):
                far[place] = _distance(vectors[other], vectors[candidates[place]])
            pruned = _kept(vectors, other, candidates[np.argsort(far)], width)
            theirs[:] = -1
            theirs[: len(pruned)] = pruned


@njit(cache=True)
def _kept(vectors: Floats, row: np.int32, near: Rows, most: int) -> Rows:
    """At most so many of `near`, the nearest first: those nearer to the row than to all kept before."""
    kept = np.empty(most, np.int32)
    count = 0
    for candidate in near:
        if count == most:
            break
        own = _distance(vectors[row], vectors[candidate])
        apart = True
        for place in range(count):
            if _distance(vectors[kept[place]], vectors[candidate]) < own:
                apart = False
                break
        if apart:
            kept[count] = candidate
            count += 1
    return kept[:count]


@njit(cache=True)
def _distance(a: Floats, b: Floats) -> np.float32:
    """Squared l2 distance of two vectors [E]."""
    total = np.float32(0)
    for k in range(len(a)):
        total += (a[k] - b[k]) * (a[k] - b[k])
    return total
