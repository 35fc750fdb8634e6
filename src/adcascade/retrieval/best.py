"""The best of many, the same ones every time."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]
FEW = 500  # are sorted sooner than parted


def best(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    """The k rows [n] with the highest scores [n], best first; of equal scores the lower row, at the cut too.

    >>> best(np.array([4, 2, 9], np.int32), np.array([1.0, 1.0, 3.0], np.float32), 2)[0].tolist()
    [9, 2]
    """
    if k <= 0:
        return rows[:0], scores[:0]
    if k < len(rows) and len(rows) > FEW:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        above = np.flatnonzero(scores > least)
        equal = np.flatnonzero(scores == least)
        if len(above) + len(equal) > k:
            equal = equal[np.argsort(rows[equal], kind="stable")][: k - len(above)]
        places = np.concatenate((above, equal))
        rows, scores = rows[places], scores[places]
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]
