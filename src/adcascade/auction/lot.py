"""Lot: what one auction sells and to whom; Award: who got it at what price.

Letters in shapes: n ads, K slots, m winners.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts.ecpm import share_of
from adcascade.contracts.worth import ecpms_of, parts_of

NEVER = 2**63 - 1  # the floor of an ad in a slot where it may not stand; no bid reaches it


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """n bidding ads and K slots, best slot first.

    The value of ad i in slot k is its eCPM there:

        per click:       floor(ecpm_i * factor_k)     a lower slot is clicked less
        per impression:  ecpm_i                       an impression is an impression

    owner: ads of one owner (campaign) never set each other's price, and at most one of them wins;
    rival: at most one ad of a group (the same product sold by several) wins, but rivals do set prices.
    Both int [n], None where the rule does not apply; a negative number belongs to no group.
    tie: int [n], the lower one wins among equal values; None: the earlier in the arrays wins.
    own: int64 [n, K], the floor of each ad in each slot, NEVER where it may not stand; None: the slots' floors hold
    for all.
    """

    ctr: NDArray[np.float32]  # [n] P(click | seen in the first slot); NaN: unknown, cannot win
    bid: NDArray[np.int64]  # [n] micros per click or per impression
    per_click: NDArray[np.bool_]  # [n]
    floor: NDArray[np.int64]  # [K] lowest eCPM at which a slot is sold, micros
    factor: NDArray[np.float32]  # [K] clicks in slot k for one click in slot 0; non-increasing, in [0, 1]
    owner: NDArray[np.integer] | None = None
    rival: NDArray[np.integer] | None = None
    tie: NDArray[np.integer] | None = None
    own: NDArray[np.int64] | None = None

    def ecpm(self) -> NDArray[np.int64]:
        """eCPM in the first slot, int64 [n]."""
        return ecpms_of(self.ctr, self.bid, self.per_click)

    def least(self, slot: int) -> NDArray[np.int64]:
        """The eCPM that each ad must reach in a slot, at least one micro: int64 [n]."""
        if self.own is not None:
            return np.maximum(self.own[:, slot], 1)
        return np.full(len(self.bid), max(int(self.floor[slot]), 1), np.int64)

    def parts(self) -> NDArray[np.int64]:
        """The slots' factors in parts per billion, int64 [K]."""
        return parts_of(self.factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """m winners in the order of their slots; a slot that no ad clears stays empty."""

    ad: NDArray[np.int64]  # [m] index into the lot
    slot: NDArray[np.int32]  # [m]
    price: NDArray[np.int64]  # [m] micros per billing event of the ad


def value_in_slot(ecpm: NDArray[np.int64], per_click: NDArray[np.bool_], parts: int) -> NDArray[np.int64]:
    """eCPM in a slot whose factor is `parts` per billion, of ads with first-slot eCPM `ecpm` [n]: int64 [n]."""
    return np.where(per_click, share_of(ecpm, parts), ecpm)
