"""Bidder: sees the state of its campaign once per control slot and answers alpha; each bid is alpha * value.

The same object bids in the market and in the server. Its vocabulary is that of AuctionNet (Su et al.,
"AuctionNet: a novel benchmark for decision-making in large-scale games", 2024) and AuctionGym (Jeunen et
al., 2022): control slot (there: tick, time step), value of an opportunity, least winning cost, won, budget left.

In the server the value is the campaign's own bid, so alpha <= 1 keeps the promise that nobody pays above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class BidState:
    """One campaign at the beginning of a control slot. Money in micros; `last_*` tell of the slot just ended.

    planned: the share of the day's spending that should be done by now, by the forecast of the day's traffic.
    Means over no opportunity are 0; what the market does not disclose (least_winning_cost) is None.
    """

    time_left: float  # share of the day, 1 at its beginning
    planned: float  # in [0, 1]
    budget: int | None  # of the day; None: no limit
    spent: int  # so far today
    last_cost: int = 0
    last_opportunities: int = 0  # requests in which it took part
    last_bid: float = 0.0  # mean
    last_value: float = 0.0  # mean
    last_won: int = 0
    last_exposed: int = 0  # of the won, those that were seen
    last_actions: int = 0  # clicks or conversions, whatever the value counts
    least_winning_cost: float | None = None  # mean lowest bid that would have won

    @property
    def budget_left(self) -> float:
        """Share of the day's budget that is not spent, in [0, 1]; 1 where there is no limit."""
        if self.budget is None:
            return 1.0
        return max(0.0, 1.0 - self.spent / self.budget) if self.budget > 0 else 0.0


@runtime_checkable
class Bidder(Protocol):
    """One method: how high to bid in the coming control slot."""

    def alpha(self, state: BidState, history: Sequence[BidState]) -> float:
        """The factor of all bids until the next call; `history` holds the earlier states, oldest first."""
        ...
