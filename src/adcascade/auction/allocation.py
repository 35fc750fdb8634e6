"""Who gets which slot: slot by slot, best slot first, the remaining ad of the highest value there.

A slot goes to the highest eCPM in that slot among the ads that are still there and reach its floor, or their own
floor in it (at least 1 micro: an ad that is worth nothing does not take part). The runner-up is the ad that would
have got the slot without the winner (and without its owner's other ads); pricing rules build on it.

For a list that is billed per click throughout, this is plain ranking by first-slot eCPM.

Two facts follow, and the tests hold them against an exhaustive twin: raising a bid never loses a slot
(where the ad does not win earlier slots, they are sold just as before), and what the runner-up is
worth in the winner's slot does not depend on the winner's bid.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.auction.lot import Lot
from adcascade.contracts.ecpm import BILLION

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """m sold slots in order."""

    ad: NDArray[np.int64]  # [m] index into the lot
    slot: NDArray[np.int32]  # [m]
    needed: NDArray[np.int64]  # [m] eCPM in that slot to reach: the runner-up's, and at least the floor


def allocate(lot: Lot) -> Allocation:
    """Sell the slots of `lot`, O(n log n + K n)."""
    ecpm = lot.ecpm()
    order = ranking(ecpm, lot.tie)
    order = order[ecpm[order] > 0]
    floors = lot.floor[None] if lot.own is None else lot.own[order]
    ad, slot, needed = _sold(
        ecpm[order], lot.per_click[order], (_of(lot.owner, order), _of(lot.rival, order)), floors, lot.parts()
    )
    return Allocation(ad=order[ad], slot=slot, needed=needed)


def ranking(ecpm: NDArray[np.int64], tie: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """Places [n] by falling eCPM, equal ones by rising `tie` [n], then by place."""
    if tie is None:
        return np.argsort(-ecpm, kind="stable")
    return np.lexsort((tie, -ecpm))


def _of(group: NDArray[np.integer] | None, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The groups of ranked ads, int64 [m]; -1 where the rule does not apply."""
    return np.full(len(order), -1, np.int64) if group is None else group[order].astype(np.int64)


@njit(cache=True)
def _sold(
    ecpm: Longs, per_click: NDArray[np.bool_], groups: tuple[Longs, Longs], floors: Longs, parts: Longs
) -> tuple[Longs, NDArray[np.int32], Longs]:
    """Ads by rank [n], floors [n or 1, K] -> for each sold slot: place in the rank, slot, eCPM to reach."""
    owner, rival = groups
    free = np.ones(len(ecpm), np.bool_)
    ads, needed = np.empty(len(parts), np.int64), np.empty(len(parts), np.int64)
    slots = np.empty(len(parts), np.int32)
    sold = 0
    for slot in range(len(parts)):
        best, first = -1, 0
        for i in range(len(ecpm)):
            value = _value(ecpm[i], per_click[i], parts[slot])
            if free[i] and value > first and value >= max(floors[i if len(floors) > 1 else 0, slot], 1):
                best, first = i, value
        if best < 0:
            continue
        needed[sold] = max(floors[best if len(floors) > 1 else 0, slot], 1)
        for i in range(len(ecpm)):
            if free[i] and i != best and not (owner[best] >= 0 and owner[i] == owner[best]):
                value = _value(ecpm[i], per_click[i], parts[slot])
                if value >= max(floors[i if len(floors) > 1 else 0, slot], 1):
                    needed[sold] = max(needed[sold], value)
        for i in range(len(ecpm)):
            same_owner, same_group = owner[best] >= 0 and owner[i] == owner[best], rival[best] >= 0
            if i == best or same_owner or (same_group and rival[i] == rival[best]):
                free[i] = False
        ads[sold], slots[sold] = best, slot
        sold += 1
    return ads[:sold], slots[:sold], needed[:sold]


@njit(cache=True)
def _value(ecpm: int, per_click: bool, parts: int) -> int:  # noqa: FBT001  what value_in_slot says of one ad
    if not per_click:
        return ecpm
    whole = ecpm // BILLION
    return whole * parts + (ecpm - whole * BILLION) * parts // BILLION
