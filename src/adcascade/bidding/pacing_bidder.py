"""One campaign's pacing as a Bidder: the same law as `Pacer`, read from the states that the market shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from adcascade.bidding.pacing import Pace, PacingRule, paced
from adcascade.contracts.bidder import BidState, PastSlot


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingBidder:
    """alpha = scale * pacing factor; a pure function of the states, so it can be asked anywhere in a day.

    scale: bid per unit of value at full speed, where the value is a probability (AuctionNet: the CPA bound C).
    """

    scale: float = 1.0
    rule: PacingRule = field(default_factory=PacingRule)

    def alpha(self, state: BidState, history: Sequence[PastSlot]) -> float:
        """Replay the day's states, oldest first, and answer for `state`."""
        pace = Pace.start(np.ones(1))
        for seen in (*(past.state for past in history), state):
            if seen.budget is None:
                return self.scale
            share = np.array([seen.spent / max(seen.budget, 1.0)])
            pace = paced(pace, share, np.array([seen.planned]), self.rule)
        return self.scale * float(pace.alpha[0])
