"""From the eCPM that had to be reached in a slot back to a price per click or per impression."""

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.allocation import Allocation
from adcascade.auction.lot import Lot
from adcascade.contracts.ecpm import BILLION, least_amount, least_bid, parts_per_billion


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
    per_click = lot.per_click[ad]
    factor = np.where(per_click, lot.parts()[slot], BILLION)
    first_slot = least_amount(needed, factor)
    return least_bid(first_slot, parts_per_billion(lot.ctr[ad]), per_click)
