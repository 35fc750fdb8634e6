"""bidding: how high each campaign bids now, so that its budget lasts the day."""

from adcascade.bidding.day_curve import day_curve, flat_curve, planned_share
from adcascade.bidding.fixed import FixedBidder, FixedPacer
from adcascade.bidding.pacer import UNLIMITED, Pacer
from adcascade.bidding.pacing import Pace, PacingRule, paced, wanted_share
from adcascade.bidding.pacing_bidder import PacingBidder
from adcascade.bidding.stage import BiddingStage
from adcascade.contracts.bidder import Bidder, BidState

METHODS: dict[str, type[FixedPacer] | type[Pacer]] = {"fixed": FixedPacer, "pacing": Pacer}

__all__ = [
    "METHODS",
    "UNLIMITED",
    "BidState",
    "Bidder",
    "BiddingStage",
    "FixedBidder",
    "FixedPacer",
    "Pace",
    "Pacer",
    "PacingBidder",
    "PacingRule",
    "day_curve",
    "flat_curve",
    "paced",
    "planned_share",
    "wanted_share",
]
