"""Replay of one bidder against recorded market prices, as with the iPinYou logs (Zhang et al. 2014).

Records come in order of time; a record is won if the bid is above its price, costs the price and brings its gain;
bidding ends when the next won record would cost more than is left. Nobody reacts: prices are those of the past.
"""

from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Flags, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the bidder got."""

    won: Flags  # [N]
    cost: float
    gain: float


def replay(bids: Floats, prices: Floats, gains: Floats, budget: float) -> Replayed:
    """Bids, market prices and gains (clicks, say) of N records in order of time."""
    wins = bids > prices
    spent = np.cumsum(np.where(wins, prices, 0.0))
    won = wins & (spent <= budget)
    return Replayed(won=won, cost=float(prices[won].sum()), gain=float(gains[won].sum()))
