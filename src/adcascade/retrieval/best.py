"""The best of many, the same ones every time.

A score and its row become one whole number that sorts as they do: the order of IEEE numbers is the order of their bits,
once the bits of negative ones are turned round. So one pass of a vectorised partition and one of a sort do it all.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]
MAGNITUDE = np.int32(0x7FFFFFFF)  # all bits but the sign


def best(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    """The k rows [n] with the highest scores [n], best first; of equal scores the lower row, at the cut too.

    NaN comes last.

    >>> best(np.array([4, 2, 9], np.int32), np.array([1.0, 1.0, 3.0], np.float32), 2)[0].tolist()
    [9, 2]
    """
    if k <= 0:
        return rows[:0], scores[:0]
    falling = np.float32(0.0) - scores  # never -0.0
    falling[np.isnan(falling)] = np.nan  # of either sign: a positive one has the highest bits
    keys = (_turned(falling.view(np.int32)).astype(np.int64) << 32) | rows
    if k < len(keys):
        keys = np.partition(keys, k - 1)[:k]
    keys.sort()
    found = np.float32(0.0) - _turned((keys >> 32).astype(np.int32)).view(np.float32)
    return keys.astype(np.int32), found  # the low half is the row


def _turned(bits: NDArray[np.int32]) -> NDArray[np.int32]:
    """Bits of float32 [n] to whole numbers of the same order, and back."""
    return bits ^ ((bits >> 31) & MAGNITUDE)
