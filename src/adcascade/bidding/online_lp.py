"""OnlineLP: the threshold that a past period says would just spend the rest of the budget.

    buy by price / value, cheapest first, until the budget is spent; alpha is the ratio at which that happens

This is the linear relaxation of the knapsack: what OnlineLP does with a past period, the oracle does with the present.
One of AuctionNet's reference bidders. Letters in shapes: N opportunities.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts.bidder import BidState, PastSlot

Floats = NDArray[np.float64]
MOST = 1.5  # times the CPA constraint, where there is one


@dataclass(frozen=True, slots=True)
class OnlineLpBidder:
    """Knows a past period's values and lowest winning bids, by control slot [N] each."""

    past_value: Sequence[Floats]
    past_price: Sequence[Floats]

    def alpha(self, state: BidState, history: Sequence[PastSlot]) -> float:  # noqa: ARG002  the past is all it needs
        """The ratio price / value at which the cumulated price passes the remaining budget, at most 1.5 CPA."""
        value = np.concatenate(list(self.past_value[state.slot :]))
        price = np.concatenate(list(self.past_price[state.slot :]))
        alpha = hindsight_alpha(value, price, state.remaining)
        return alpha if state.cpa is None else min(alpha, MOST * state.cpa)


def hindsight_alpha(value: Floats, price: Floats, budget: float) -> float:
    """The best alpha against known prices: values and prices [N]; 0 where nothing is for sale."""
    ratio = price / (value + 1e-4)
    order = np.argsort(ratio)
    bought = int(np.searchsorted(np.cumsum(price[order]), budget, side="right"))
    return float(ratio[order[min(bought, len(order) - 1)]]) if len(order) else 0.0
