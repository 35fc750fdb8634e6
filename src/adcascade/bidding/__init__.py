"""bidding: how high each campaign bids now, so that its budget lasts the day."""

from collections.abc import Callable

from adcascade.bidding.bidder_pacer import BidderPacer
from adcascade.bidding.day_curve import day_curve, flat_curve, planned_share
from adcascade.bidding.ended_slot import EndedSlot, Pacing
from adcascade.bidding.fixed import FixedBidder, FixedPacer
from adcascade.bidding.online_lp import OnlineLpBidder
from adcascade.bidding.pacer import UNLIMITED, Pacer
from adcascade.bidding.pacing import Pace, PacingRule, paced, wanted_share
from adcascade.bidding.pacing_bidder import PacingBidder
from adcascade.bidding.pid import PidBidder
from adcascade.bidding.site import Site, fixed_pacer, pacing_pacer, policy_pacer
from adcascade.bidding.stage import BiddingStage
from adcascade.contracts.bidder import Bidder, BidState, PastSlot

METHODS: dict[str, Callable[[Site], Pacing]] = {
    "fixed": fixed_pacer,
    "pacing": pacing_pacer,
    "maab": policy_pacer,
}

__all__ = [
    "METHODS",
    "UNLIMITED",
    "BidState",
    "Bidder",
    "BidderPacer",
    "BiddingStage",
    "EndedSlot",
    "FixedBidder",
    "FixedPacer",
    "OnlineLpBidder",
    "Pace",
    "Pacer",
    "Pacing",
    "PacingBidder",
    "PacingRule",
    "PastSlot",
    "PidBidder",
    "Site",
    "day_curve",
    "flat_curve",
    "paced",
    "planned_share",
    "wanted_share",
]
