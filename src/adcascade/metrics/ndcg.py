"""NDCG: how good the order of a list is, the top counting most (Järvelin and Kekäläinen, TOIS 2002)."""

import numpy as np
from numpy.typing import ArrayLike


def ndcg(gain: ArrayLike, score: ArrayLike, k: int | None = None) -> float:
    """DCG of the gains ordered by score, over that of the best order; [n] each, equal scores keep their order.

    DCG = Σ_i gain_i / log2(i + 1) over the first k places. NaN where no gain is positive.

    >>> ndcg([3, 2, 0], [0.9, 0.5, 0.1])
    1.0
    """
    g = np.asarray(gain, np.float64)
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    best = _dcg(np.sort(g)[::-1], k)
    return _dcg(g[order], k) / best if best > 0 else float("nan")


def _dcg(gain: "np.ndarray[tuple[int], np.dtype[np.float64]]", k: int | None) -> float:
    first = gain[:k]
    return float((first / np.log2(np.arange(2, len(first) + 2))).sum())
