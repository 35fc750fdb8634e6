"""What the market discloses to a bidder beyond the contract: every opportunity of its own, one by one.

A bidder of the contract reads the sums alone and bids here and in the server alike; one that reads these arrays says so
in the types that it asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from adcascade.contracts.bidder import BidState, PastSlot
from adcascade.market.arrays import Flags, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState(BidState):
    """A state with the opportunities that are to come in the control slot."""

    value: Floats  # [N]
    sigma: Floats  # [N]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSlot(PastSlot):
    """A control slot by its opportunities, each [N]. Censored view: `lowest` is NaN where it lost."""

    value: Floats
    sigma: Floats
    bid: Floats
    place: Ints  # 0: lost
    cost: Floats
    exposed: Flags
    action: Flags
    lowest: Floats  # leastWinningCost


class MarketBidder(Protocol):
    """A bidder that the market can ask: every Bidder of the contract, and those that read what it discloses."""

    def alpha(self, state: MarketState, history: Sequence[MarketSlot]) -> float:
        """What to multiply the values of this control slot with."""
        ...
