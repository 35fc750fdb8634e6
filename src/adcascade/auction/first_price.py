"""First price: the winner pays its bid."""

from adcascade.auction.allocation import allocate
from adcascade.auction.lot import Award, Lot


def first_price(lot: Lot) -> Award:
    """Sell the slots by value; everybody pays what he bid."""
    sold = allocate(lot)
    return Award(ad=sold.ad, slot=sold.slot, price=lot.bid[sold.ad])
