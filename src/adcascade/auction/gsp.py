"""Generalised second price: the winner of a slot pays the least bid that would have kept it.

    price_i = min { b : value of i in slot k when bidding b  >=  max(floor_k, value of the runner-up there) }

In a list billed per click this is the known ceil(ctr_next * bid_next / ctr_i) (Edelman, Ostrovsky and
Schwarz, "Internet Advertising and the Generalized Second-Price Auction", 2007; Varian, "Position
auctions", 2007), in exact integers and with the slot's floor. A winner billed per impression pays the
runner-up's eCPM / 1000, rounded up; so both kinds may meet in one list.
"""

from adcascade.auction.allocation import allocate
from adcascade.auction.lot import Award, Lot
from adcascade.auction.price import least_bids


def gsp(lot: Lot) -> Award:
    """Sell K slots; each winner pays by the runner-up of its own slot."""
    sold = allocate(lot)
    return Award(ad=sold.ad, slot=sold.slot, price=least_bids(lot, sold))
