"""Funnel agreement: do the early stages keep, and order, what the late ones want?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from adcascade.metrics.recall import recall_at_k


def winner_recall(winners: ArrayLike, survivors: Sequence[ArrayLike]) -> list[float]:
    """For each stage's surviving ads, the share of the final winners among them.

    >>> winner_recall([1, 2], [[1, 2, 3, 4], [1, 4]])
    [1.0, 0.5]
    """
    return [recall_at_k(winners, ads) for ads in survivors]


def pair_agreement(early: ArrayLike, late: ArrayLike) -> float:
    """Share of pairs of ads that two stages' scores [n] put in the same order; a tie in `early` counts one half.

    Pairs that tie in `late` are left out; NaN where all do. (1 + Kendall's tau) / 2 where nothing ties.

    >>> pair_agreement([0.3, 0.2, 0.1], [3.0, 1.0, 2.0])
    0.6666666666666666
    """
    first, last = np.asarray(early, np.float64), np.asarray(late, np.float64)
    order_early = np.sign(first[:, None] - first[None, :])  # [n, n]
    order_late = np.sign(last[:, None] - last[None, :])
    pairs = np.count_nonzero(order_late)
    if pairs == 0:
        return float("nan")
    same = (order_early * order_late)[order_late != 0]
    return float(((same + 1) / 2).mean())
