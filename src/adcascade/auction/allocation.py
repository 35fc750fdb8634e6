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

NO_RULE: Longs = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """m sold slots in order."""

    ad: NDArray[np.int64]  # [m] index into the lot
    slot: NDArray[np.int32]  # [m]
    needed: NDArray[np.int64]  # [m] eCPM in that slot to reach: the runner-up's, and at least the floor


def allocate(lot: Lot) -> Allocation:
    """Sell the slots of `lot`, O(K n): of ads worth the same in a slot the one that `ranking` names first gets it."""
    groups = _longs(lot.owner), _longs(lot.rival), _longs(lot.tie)
    floors = lot.floor[None] if lot.own is None else lot.own
    ad, slot, needed = _sold(lot.ecpm(), lot.per_click, groups, floors, lot.parts())
    return Allocation(ad=ad, slot=slot, needed=needed)


def ranking(ecpm: NDArray[np.int64], tie: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """Places [n] by falling eCPM, equal ones by rising `tie` [n], then by place."""
    if tie is None:
        return np.argsort(-ecpm, kind="stable")
    return np.lexsort((tie, -ecpm))


def _longs(numbers: NDArray[np.integer] | None) -> Longs:
    """As int64 [n]; [0] where the rule does not apply."""
    return NO_RULE if numbers is None else numbers.astype(np.int64, copy=False)


@njit(cache=True)
def _sold(
    ecpm: Longs, per_click: NDArray[np.bool_], groups: tuple[Longs, Longs, Longs], floors: Longs, parts: Longs
) -> tuple[Longs, NDArray[np.int32], Longs]:
    """Ads [n], floors [n or 1, K] -> for each sold slot: ad, slot, eCPM to reach. groups: owner, rival, tie."""
    owner, rival, tie = groups
    free = np.ones(len(ecpm), np.bool_)
    ads, needed = np.empty(len(parts), np.int64), np.empty(len(parts), np.int64)
    slots = np.empty(len(parts), np.int32)
    sold = 0
    for slot in range(len(parts)):
        best, first = -1, 0
        for i in range(len(ecpm)):
            value = _reached(i, slot, ecpm, per_click, floors, parts) if free[i] else 0
            if value > first or (value == first and value > 0 and _before(i, best, ecpm, tie)):
                best, first = i, value
        if best < 0:
            continue
        needed[sold] = _floor(floors, best, slot)
        for i in range(len(ecpm)):
            if free[i] and i != best and not _same(owner, i, best):
                needed[sold] = max(needed[sold], _reached(i, slot, ecpm, per_click, floors, parts))
        for i in range(len(ecpm)):
            if i == best or _same(owner, i, best) or _same(rival, i, best):
                free[i] = False
        ads[sold], slots[sold] = best, slot
        sold += 1
    return ads[:sold], slots[:sold], needed[:sold]


@njit(cache=True)
def _reached(  # noqa: PLR0917  an ad, a slot and what is known of both
    ad: int, slot: int, ecpm: Longs, per_click: NDArray[np.bool_], floors: Longs, parts: Longs
) -> int:
    """The ad's eCPM in the slot, 0 where that is below its floor there."""
    value = _value(ecpm[ad], per_click[ad], parts[slot])
    return value if value >= _floor(floors, ad, slot) else 0


@njit(cache=True)
def _floor(floors: Longs, ad: int, slot: int) -> int:
    return int(max(floors[ad if len(floors) > 1 else 0, slot], 1))


@njit(cache=True)
def _before(one: int, other: int, ecpm: Longs, tie: Longs) -> bool:
    """Whether `ranking` names the one first, where it lies behind the other in the arrays."""
    return ecpm[one] > ecpm[other] or (ecpm[one] == ecpm[other] and len(tie) > 0 and tie[one] < tie[other])


@njit(cache=True)
def _same(group: Longs, one: int, other: int) -> bool:
    """Whether two ads belong to one group."""
    return len(group) > 0 and group[other] >= 0 and group[one] == group[other]


@njit(cache=True)
def _value(ecpm: int, per_click: bool, parts: int) -> int:  # noqa: FBT001  what value_in_slot says of one ad
    if not per_click:
        return ecpm
    whole = ecpm // BILLION
    return whole * parts + (ecpm - whole * BILLION) * parts // BILLION
