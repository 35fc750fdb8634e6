"""Bidders: at each control slot they see (state, history) and answer alpha, with bid = alpha * value.

The three reference strategies of AuctionNet stand here as rivals: a fixed alpha, pacing by the projected spend, and a
threshold learned from a past period (OnlineLP).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from adcascade.market.arrays import Flags, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class BidderState:
    """What a bidder knows of itself when a control slot begins."""

    tick: int
    ticks: int
    budget: float
    remaining: float
    cpa: float
    value: Floats  # [N] of the opportunities to come
    sigma: Floats  # [N]


@dataclass(frozen=True, slots=True, kw_only=True)
class BidderTick:
    """What a bidder saw of a past control slot, each [N]. Censored view: least_winning_cost is NaN where it lost."""

    value: Floats
    sigma: Floats
    bid: Floats
    slot: Ints  # 0: lost
    cost: Floats
    exposed: Flags
    action: Flags
    least_winning_cost: Floats


class Strategy(Protocol):
    """One bidder."""

    def alpha(self, state: BidderState, history: Sequence[BidderTick]) -> float:
        """What to multiply the values of this control slot with."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same alpha; alpha = CPA constraint is the competition's baseline."""

    value: float

    def alpha(self, state: BidderState, history: Sequence[BidderTick]) -> float:  # noqa: ARG002  the protocol's
        """The fixed one."""
        return self.value


@dataclass(slots=True)
class Pid:
    """Pacing: less if the last slot's spend would overrun the rest of the budget, more if it would fall short."""

    start: float = 15.0
    _alpha: float = field(default=0.0, init=False)

    def alpha(self, state: BidderState, history: Sequence[BidderTick]) -> float:
        """Projected spend over remaining budget below 0.7: alpha times 1.2; above 1.1: times 0.7."""
        if state.tick == 0 or not history:
            self._alpha = self.start
            return self._alpha
        projected = float(history[-1].cost.sum()) * (state.ticks - state.tick) / max(state.remaining, 1e-9)
        if projected < 0.7:
            self._alpha *= 1.2
        elif projected > 1.1:
            self._alpha *= 0.7
        return self._alpha


@dataclass(frozen=True, slots=True)
class OnlineLp:
    """The threshold that a past period says would just spend the rest: past values and prices, [48] tables."""

    past_value: Sequence[Floats]  # per tick [N]
    past_price: Sequence[Floats]  # per tick [N] leastWinningCost

    def alpha(self, state: BidderState, history: Sequence[BidderTick]) -> float:  # noqa: ARG002  the protocol's
        """The ratio price / value at which the cumulated price passes the remaining budget, at most 1.5 CPA."""
        value = np.concatenate(list(self.past_value[state.tick :]))
        price = np.concatenate(list(self.past_price[state.tick :]))
        return min(hindsight_alpha(value, price, state.remaining), 1.5 * state.cpa)


def hindsight_alpha(value: Floats, price: Floats, budget: float) -> float:
    """The best alpha against known prices [N]: buy by price / value, cheapest first, until the budget is spent.

    The linear relaxation of the knapsack; what OnlineLP does with the past, the oracle does with the present.
    """
    ratio = price / (value + 1e-4)
    order = np.argsort(ratio)
    bought = int(np.searchsorted(np.cumsum(price[order]), budget, side="right"))
    return float(ratio[order[min(bought, len(order) - 1)]]) if len(order) else 0.0
