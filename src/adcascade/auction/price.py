"""From the eCPM that had to be reached in a slot back to a price per click or per impression."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.auction.allocation import Allocation
from adcascade.auction.lot import Lot
from adcascade.contracts.ecpm import BILLION, THOUSAND
from adcascade.contracts.worth import parts_of

Longs = NDArray[np.int64]


def least_bids(lot: Lot, sold: Allocation) -> NDArray[np.int64]:
    """The least bid with which each winner reaches `sold.needed` in its slot: int64 [m], micros.

    Both roundings of the eCPM are inverted exactly, so the price is at most the bid, and one micro
    less would not have been enough.
    """
    return least_to_reach(lot, sold.ad, sold.slot, sold.needed)


def least_to_reach(
    lot: Lot, ad: NDArray[np.int64], slot: NDArray[np.int32], needed: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The least bid with which each ad [m] is worth `needed` [m] in its slot [m]: int64 [m], micros."""
    bids = np.empty(len(ad), np.int64)
    _least((ad, slot, needed), lot.per_click, parts_of(lot.ctr[ad]), lot.parts(), bids)
    return bids


@njit(cache=True)
def _least(
    asked: tuple[Longs, NDArray[np.int32], Longs], per_click: NDArray[np.bool_], ctr: Longs, factor: Longs, bids: Longs
) -> None:
    """As `least_bid` of `least_amount` says: the eCPM in the slot, in the first slot, per thousand, per event."""
    ad, slot, needed = asked
    for i in range(len(ad)):
        amount = needed[i]
        if per_click[ad[i]]:
            amount = _amount(_amount(amount, factor[slot[i]]), ctr[i])
        bids[i] = -(-amount // THOUSAND)


@njit(cache=True)
def _amount(share: int, parts: int) -> int:
    """As least_amount says of one."""
    whole = share // parts
    return whole * BILLION - (-(share - whole * parts) * BILLION) // parts
