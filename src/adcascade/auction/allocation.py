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
from numpy.typing import NDArray

from adcascade.auction.lot import Lot, value_in_slot


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
    ecpm, per_click = ecpm[order], lot.per_click[order]
    owner, rival = (None if group is None else group[order] for group in (lot.owner, lot.rival))
    free = np.ones(len(order), np.bool_)
    ads, slots, needed = [], [], []
    for slot, parts in enumerate(lot.parts()):
        floor = lot.least(slot)[order]
        value = value_in_slot(ecpm, per_click, int(parts))
        value = value * (free & (value >= floor))
        best = int(value.argmax()) if len(value) else 0
        if not len(value) or value[best] == 0:
            continue
        ads.append(order[best])
        slots.append(slot)
        value[_group(owner, best)] = 0
        needed.append(max(int(floor[best]), int(value.max())))
        free[_group(owner, best)] = False
        free[_group(rival, best)] = False
    return Allocation(ad=np.array(ads, np.int64), slot=np.array(slots, np.int32), needed=np.array(needed, np.int64))


def ranking(ecpm: NDArray[np.int64], tie: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """Places [n] by falling eCPM, equal ones by rising `tie` [n], then by place."""
    if tie is None:
        return np.argsort(-ecpm, kind="stable")
    return np.lexsort((tie, -ecpm))


def _group(group: NDArray[np.integer] | None, member: int) -> NDArray[np.bool_] | int:
    """Who shares the member's group, as an index: a mask [n], or the member alone."""
    if group is None or group[member] < 0:
        return member
    return np.asarray(group == group[member], np.bool_)
