"""Pacing by the projected spend, as AuctionNet's reference bidder does it.

projected = cost of the last slot * slots left / money left;   below 0.7: alpha * 1.2;   above 1.1: alpha * 0.7
"""

from collections.abc import Sequence
from dataclasses import dataclass

from adcascade.contracts.bidder import BidState, PastSlot


@dataclass(frozen=True, slots=True)
class PidBidder:
    """Bids less if the last slot's spend would overrun the rest of the budget, more if it would fall short."""

    start: float = 15.0  # AuctionNet's; in the server 1

    def alpha(self, state: BidState, history: Sequence[PastSlot]) -> float:
        """The last alpha, corrected; `start` at the beginning of a day."""
        if state.slot == 0 or not history:
            return self.start
        last = history[-1]
        projected = last.spent * state.time_left * state.slots / max(state.remaining, 1e-9)
        if projected < 0.7:
            return last.alpha * 1.2
        return last.alpha * 0.7 if projected > 1.1 else last.alpha
