"""Slates: which ordered lists of ads an auction over whole pages may choose among, and where they stand.

Exhaustive: every ordered choice of at most K of N ads, shorter ones included, slots filled from the top:

    S = Σ_{m <= K} N! / (N - m)!        N = 6, K = 3: 157;  K = 4: 517;  K = 5: 1,237

That set does not look at bids. It has to be so: VCG (blending.py) is truthful over a *fixed* set of slates, and a
set that a bid helps to choose lets bidders choose by misreporting.

Heuristic, where all would be too many: for several weightings the best ads in order, and for each such slate all that
are one step away (one ad left out, one replaced by the next best, two neighbours swapped). There the payments are still
at most the bids, but a bid may pay off by changing the set.

Letters in shapes: N ads, K slots, S slates, O organic items.
"""

from functools import lru_cache
from itertools import combinations, pairwise, permutations
from math import comb, perm

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]  # [S, K] which ad stands in which slot; NONE: the slot stays empty
NONE = -1
MOST = 600  # slates of an exhaustive set: some 5 ms of a page model
TILTS = (0.0, 0.5, 1.0)  # exponents t of ecpm * ctr^t by which heuristic slates are ordered


def how_many(ads: int, slots: int) -> int:
    """S of the exhaustive set.

    >>> how_many(6, 3)
    157
    """
    return sum(perm(ads, m) for m in range(min(ads, slots) + 1))


@lru_cache(maxsize=64)
def exhaustive(ads: int, slots: int) -> Places:
    """All ordered choices of at most `slots` of `ads`, [S, K], the longest first; a shared array, not to be written.

    >>> exhaustive(2, 2).tolist()
    [[0, 1], [1, 0], [0, -1], [1, -1], [-1, -1]]
    """
    lengths = range(min(ads, slots), -1, -1)
    chosen = [list(one) + [NONE] * (slots - m) for m in lengths for one in permutations(range(ads), m)]
    slates = np.array(chosen, np.int64).reshape(-1, slots)
    slates.flags.writeable = False
    return slates


@lru_cache(maxsize=64)
def gapped(ads: int, slots: int) -> Places:
    """As `exhaustive`, with empty slots anywhere: where an ad may stand in some slots only, [S, K].

    >>> gapped(1, 2).tolist()
    [[0, -1], [-1, 0], [-1, -1]]
    """
    slates = [
        [dict(zip(places, one, strict=True)).get(k, NONE) for k in range(slots)]
        for m in range(min(ads, slots), -1, -1)
        for places in combinations(range(slots), m)
        for one in permutations(range(ads), m)
    ]
    found = np.array(slates, np.int64).reshape(-1, slots)
    found.flags.writeable = False
    return found


def heuristic(ctr: NDArray[np.floating], ecpm: NDArray[np.integer], slots: int) -> Places:
    """The best by ecpm [N], tilted towards a high ctr [N], and all one step away from them, [S, K]."""
    found: dict[tuple[int, ...], None] = {}
    for t in TILTS:
        order = np.argsort(-ecpm * ctr.astype(np.float64) ** t, kind="stable").tolist()
        for one in _near(order[:slots], order[slots:]):
            found.setdefault(one)
    found.setdefault(())
    return np.array([[*one, *[NONE] * (slots - len(one))] for one in found], np.int64).reshape(-1, slots)


def _near(best: list[int], rest: list[int]) -> list[tuple[int, ...]]:
    """A slate and those one step away: shortened, with one ad left out, replaced, or swapped with its neighbour."""
    m = len(best)
    cut = [tuple(best[:length]) for length in range(m, 0, -1)]
    without = [tuple(best[:k] + best[k + 1 :]) for k in range(m)]
    refilled = [(*one, rest[0]) for one in without] if rest else []
    replaced = [(*best[:k], ad, *best[k + 1 :]) for k in range(m) for ad in rest]
    swapped = [(*best[:a], best[b], best[a], *best[b + 1 :]) for a, b in pairwise(range(m))]
    return [*cut, *refilled, *without, *replaced, *swapped]


def slates_for(ctr: NDArray[np.floating], ecpm: NDArray[np.integer], slots: int, *, gaps: bool = False) -> Places:
    """The exhaustive set where it is small enough, else the heuristic one; ctr and ecpm [N] -> [S, K].

    gaps: slots may also stay empty above others that are sold.
    """
    if gaps and sum(comb(slots, m) * perm(len(ecpm), m) for m in range(min(len(ecpm), slots) + 1)) <= MOST:
        return gapped(len(ecpm), slots)
    if how_many(len(ecpm), slots) <= MOST:
        return exhaustive(len(ecpm), slots)
    return heuristic(ctr, ecpm, slots)


def once_a_group(slates: Places, group: NDArray[np.integer]) -> Places:
    """The slates that show each group [N] at most once; a negative number belongs to no group."""
    shown = np.append(group, NONE)[slates]  # [S, K]; an empty slot shows the last, which is none
    twice = np.zeros(len(slates), np.bool_)
    for a in range(slates.shape[1]):
        for b in range(a):
            twice |= (shown[:, a] == shown[:, b]) & (shown[:, a] >= 0)
    return slates[~twice]


@lru_cache(maxsize=1024)
def page_places(ads: int, organic: int, pattern: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where so many ads and organic items stand on the page: their places from 0, ads first.

    pattern: the places of the slots counted from 1, rising; further slots follow at the pattern's last distance.
    Organic items keep their order and fill what is left; where they run out, the ads follow each other.

    >>> page_places(2, 3, (1, 3))
    ((0, 2), (1, 3, 4))
    >>> page_places(3, 1, (2, 4))
    ((1, 2, 3), (0,))
    """
    wanted = list(pattern)
    step = wanted[-1] - wanted[-2] if len(wanted) > 1 else 1
    while len(wanted) < ads:
        wanted.append(wanted[-1] + step)
    taken: list[int] = []
    for slot, place in enumerate(wanted[:ads]):
        taken.append(min(place - 1, organic + slot))
    left = [place for place in range(ads + organic) if place not in taken]
    return tuple(taken), tuple(left)
