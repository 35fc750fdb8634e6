"""Bidder: sees the state of its campaign once per control slot and answers alpha; each bid is alpha * value.

The same object bids in the market and in the server. It is told three things: the state now, the slots that have
ended with the actions it took in them, and, in the last of these, its reward. Its vocabulary is that of AuctionNet (Su
et al., "AuctionNet: a novel benchmark for decision-making in large-scale games", 2024) and AuctionGym (Jeunen et al.,
2022): control slot (there: tick, time step), value of an opportunity, least winning cost, won, budget left.

What a world discloses beyond this (the market: every single opportunity) it adds in subtypes of its own, so a bidder
that says `BidState` asks for nothing that a server cannot give.

In the server the value of an opportunity is what it is worth at the campaign's own bid, so alpha <= 1 keeps the promise
that nobody pays above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class BidState:
    """One campaign at the beginning of a control slot. Money in the world's own unit, micros in the server.

    planned: the share of the day's spending that should be done by now, by the forecast of the day's traffic.
    """

    time_left: float  # share of the day, 1 at its beginning
    planned: float  # in [0, 1]
    budget: float | None  # of the day; None: no limit
    spent: float  # so far today
    slots: int = 48  # control slots of a day
    cpa: float | None = None  # the highest cost per action that is wanted; None: no such constraint

    @property
    def slot(self) -> int:
        """Number of the coming control slot of the day, from 0."""
        return round((1.0 - self.time_left) * self.slots)

    @property
    def remaining(self) -> float:
        """Money that is left of the day's budget; infinite where there is no limit."""
        return float("inf") if self.budget is None else max(0.0, self.budget - self.spent)

    @property
    def budget_left(self) -> float:
        """Share of the day's budget that is not spent, in [0, 1]; 1 where there is no limit."""
        if self.budget is None:
            return 1.0
        return max(0.0, 1.0 - self.spent / self.budget) if self.budget > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSlot:
    """A control slot that has ended: how the campaign stood before it, what it did, and what that brought.

    Means over no opportunity are 0; what is not disclosed (least_winning_cost) is None.
    """

    state: BidState
    alpha: float  # the action
    reward: float = 0.0  # values of its opportunities that were seen, summed
    spent: float = 0.0  # cost of the slot
    opportunities: int = 0  # in which it took part
    won: int = 0
    seen: int = 0
    actions: int = 0  # clicks or conversions, whatever the value counts
    mean_bid: float = 0.0
    mean_value: float = 0.0
    least_winning_cost: float | None = None  # mean lowest bid that would have won


@runtime_checkable
class Bidder(Protocol):
    """One method: how high to bid in the coming control slot."""

    def alpha(self, state: BidState, history: Sequence[PastSlot]) -> float:
        """The factor of all bids until the next call; `history` holds the day's earlier slots, oldest first."""
        ...


@runtime_checkable
class GroupBidder(Bidder, Protocol):
    """A bidder of many campaigns that can be asked for all of them at once."""

    def alphas(self, states: Sequence[BidState], histories: Sequence[Sequence[PastSlot]]) -> Sequence[float]:
        """What `alpha` would answer, campaign by campaign."""
        ...
