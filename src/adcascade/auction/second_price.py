"""Second price for one slot: the best bidder wins and pays the second best (Vickrey, 1961).

With one slot, telling one's true value is each bidder's best answer, which is not so under GSP with
several. Of a request with more slots only the first is sold.
"""

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.allocation import Allocation, ranking
from adcascade.auction.lot import Award, Lot, value_in_slot
from adcascade.auction.price import least_bids


def second_price(lot: Lot) -> Award:
    """Sell the first slot; no loop, one sort."""
    floor = lot.least(0)
    ecpm = lot.ecpm()
    value = value_in_slot(ecpm, lot.per_click, int(lot.parts()[0]))
    order = ranking(ecpm, lot.tie)
    order = order[np.argsort(-value[order], kind="stable")]
    order = order[value[order] >= floor[order]]
    others = order[1:] if lot.owner is None else _not_of_the_winner(lot.owner, order)
    sold = Allocation(
        ad=order[:1],
        slot=np.zeros(len(order[:1]), np.int32),
        needed=np.maximum(value[others[:1]], floor[order[:1]]) if len(others) else floor[order[:1]],
    )
    return Award(ad=sold.ad, slot=sold.slot, price=least_bids(lot, sold))


def _not_of_the_winner(owner: NDArray[np.integer], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ranked ads after the first that belong to somebody else."""
    rest = order[1:]
    return np.asarray(rest[(owner[rest] != owner[order[:1]]) | (owner[rest] < 0)], np.int64)
