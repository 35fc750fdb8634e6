"""Slates to compare with: uniformly random ones with their propensities, and the best that a score knows."""

import numpy as np

from adcascade.market.arrays import Flags, Floats, Ints, Singles
from adcascade.market.scenarios import MOST_SLOTS
from adcascade.market.streams import Purpose, stream
from adcascade.market.views import NONE, PageViews


def uniform_slates(seed: int, views: PageViews, alive: Flags, tick: int) -> tuple[Ints, Floats]:
    """Different ads drawn uniformly from those alive [A]: (ads [N, K], P(this ad in this slot) [N, K]).

    Slots beyond the view's hold -1 and propensity 0. Subsets by Floyd's method (Bentley and Floyd 1987), then shuffled.
    """
    pool = np.flatnonzero(alive)
    n, k = len(views), min(MOST_SLOTS, len(pool))
    random = stream(seed, Purpose.SLATES, tick)
    chosen = np.full((n, k), -1, np.int64)
    for j in range(k):
        last = len(pool) - k + j
        pick = random.integers(0, last + 1, n)
        taken = (chosen == pick[:, None]).any(axis=1)
        chosen[:, j] = np.where(taken, last, pick)
    order = np.argsort(random.random((n, k)), axis=1)
    ads = np.full((n, MOST_SLOTS), NONE, np.int32)
    ads[:, :k] = pool[np.take_along_axis(chosen, order, axis=1)]
    shown = (np.arange(MOST_SLOTS)[None, :] < views.slots[:, None]) & (ads >= 0)
    return np.where(shown, ads, NONE), np.where(shown, 1.0 / max(1, len(pool)), 0.0)


def best_slates(views: PageViews, score: Floats | Singles, allowed: Flags) -> Ints:
    """The ads with the highest scores [N, A] among the allowed [N, A], best first, [N, K]; -1 where there are none."""
    masked = np.where(allowed, score, -np.inf)
    k = min(MOST_SLOTS, masked.shape[1])
    top = np.argpartition(-masked, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(masked, top, axis=1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, axis=1)
    good = np.isfinite(np.take_along_axis(masked, top, axis=1))
    ads = np.full((len(views), MOST_SLOTS), NONE, np.int32)
    ads[:, :k] = np.where(good, top, NONE)
    return np.where(np.arange(MOST_SLOTS)[None, :] < views.slots[:, None], ads, NONE)
