"""How well bidders did: AuctionNet's score, and AuctionGym's welfare, surplus, revenue and regrets."""

from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Flags, Floats


def auctionnet_score(actions: Floats, cost: Floats, cpa: Floats, beta: float = 2.0) -> Floats:
    """Conversions times min(1, (C / CPA) ** beta), where CPA is cost per conversion; all [n]."""
    real = cost / (actions + 1e-10)
    penalty = np.minimum(1.0, (cpa / np.maximum(real, 1e-10)) ** beta)
    return np.asarray(actions * penalty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrets:
    """What an agent lost in a batch of rounds, in money (AuctionGym)."""

    allocation: float  # chose another item than the one with the best expected value
    estimation: float  # (estimated - true CTR) * value of the chosen item
    overbid: float  # won and paid more than the second price
    underbid: float  # lost although the winning price was below the worth


def regrets(
    *, worth: Floats, best_worth: Floats, estimate: Floats, bid: Floats, won: Flags, price: Floats, second: Floats
) -> Regrets:
    """The regrets of one agent over N rounds, all [N].

    worth: true CTR * value of the chosen item; best_worth: that of the best item; estimate: estimated CTR * value;
    price: what the winner paid; second: the highest bid of the others.
    """
    lost = ~won & (price < worth)
    return Regrets(
        allocation=float((best_worth - worth).sum()),
        estimation=float((estimate - worth).sum()),
        overbid=float((price - second)[won].sum()),
        underbid=float((price - bid)[lost].sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Social:
    """Sums over all agents: welfare = surplus + revenue."""

    welfare: float  # value of what happened
    surplus: float  # the agents' part
    revenue: float  # the seller's part


def social(value: Floats, action: Flags, cost: Floats) -> Social:
    """From money per action, what happened, and what was paid; all of one shape."""
    welfare, revenue = float((value * action).sum()), float(cost.sum())
    return Social(welfare=welfare, surplus=welfare - revenue, revenue=revenue)
