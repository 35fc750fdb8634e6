"""auction: who wins which slot and what the winner pays, in exact integers."""

from collections.abc import Callable

from adcascade.auction.allocation import Allocation, allocate
from adcascade.auction.first_price import first_price
from adcascade.auction.gsp import gsp
from adcascade.auction.lot import Award, Lot
from adcascade.auction.second_price import second_price
from adcascade.auction.stage import AuctionStage
from adcascade.auction.vcg import vcg
from adcascade.contracts.ecpm import ecpm_of

METHODS: dict[str, Callable[[Lot], Award]] = {
    "gsp": gsp,
    "first_price": first_price,
    "second_price": second_price,
    "vcg": vcg,
}

__all__ = [
    "METHODS",
    "Allocation",
    "AuctionStage",
    "Award",
    "Lot",
    "allocate",
    "ecpm_of",
    "first_price",
    "gsp",
    "second_price",
    "vcg",
]
