"""Who gets which slot: slot by slot, best slot first, the remaining ad of the highest value there.

A slot goes to the highest eCPM in that slot among the ads that are still there and reach its floor
(at least 1 micro: an ad that is worth nothing does not take part). The runner-up is the ad that would
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
    ecpm, per_click = ecpm[order], lot.per_click[order]
    free = ecpm > 0
    ads, slots, needed = [], [], []
    for slot, (floor, parts) in enumerate(zip(np.maximum(lot.floor, 1), lot.parts(), strict=True)):
        value = value_in_slot(ecpm, per_click, int(parts))
        value = np.where(free & (value >= floor), value, 0)
        best = int(np.argmax(value)) if len(value) else 0
        if not len(value) or value[best] == 0:
            continue
        ads.append(order[best])
        slots.append(slot)
        rivals = np.delete(value, best) if lot.owner is None else value[~_group(lot.owner[order], best)]
        needed.append(max(int(floor), int(rivals.max(initial=0))))
        free[best] = False
        for group in (lot.owner, lot.rival):
            if group is not None:
                free &= ~_group(group[order], best)
    return Allocation(ad=np.array(ads, np.int64), slot=np.array(slots, np.int32), needed=np.array(needed, np.int64))


def ranking(ecpm: NDArray[np.int64], tie: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """Places [n] by falling eCPM, equal ones by rising `tie` [n], then by place."""
    if tie is None:
        return np.argsort(-ecpm, kind="stable")
    return np.lexsort((tie, -ecpm))


def _group(group: NDArray[np.integer], member: int) -> NDArray[np.bool_]:
    """Who shares the member's group, itself included: bool [n]."""
    same = (group == group[member]) & (group[member] >= 0)
    same[member] = True
    return np.asarray(same, np.bool_)
