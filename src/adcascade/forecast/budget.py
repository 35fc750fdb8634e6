"""Budget: what of a day's spending a daily budget leaves.

A table holds each day's figures at a ladder of bids. Who spreads its budget evenly bids lower where the day would cost
more (bidding/pacing.py lowers bids, never below `LOWEST` of what was told), and so buys more for the same money:

    even    between the two rungs whose spend stands on either side of the budget, in the share that costs just that
    fast    the day at the full bid, until the money is gone: the share budget / spend of it

Below the lowest paced bid an even campaign runs dry too. So the spend of a day is min(wanted, budget), always.
"""

from typing import NamedTuple

import numpy as np

from adcascade.forecast.traffic import Floats

STEPS = 3  # rungs of the ladder for twice the bid
LOWEST = 0.1  # bidding/pacing.py: no bid is paced below this part of it
BELOW = 10  # rungs down to it: 2 ** (10 / 3) = 10.1
IMPRESSIONS, CLICKS, CONVERSIONS, SPEND = range(4)


class Day(NamedTuple):
    """What a budget leaves of a day."""

    figures: Floats  # [4]
    rung: float  # at which it bids, in rungs of the ladder
    share: float  # of its auctions; below 1: the money is gone before the day is


def spent(table: Floats, rung: int, budget_micros: float | None, *, even: bool) -> Day:
    """One day of the table [rungs, 4] at a bid, within its budget; None: there is no limit."""
    wanted = table[rung, SPEND]
    if budget_micros is None or wanted <= budget_micros:
        return Day(table[rung], rung, 1.0)
    low = max(0, rung - BELOW)
    if even and table[low, SPEND] <= budget_micros:
        above = low + int(np.argmax(table[low : rung + 1, SPEND] > budget_micros))
        below = above - 1
        part = (budget_micros - table[below, SPEND]) / (table[above, SPEND] - table[below, SPEND])
        return Day(table[below] + part * (table[above] - table[below]), below + part, 1.0)
    at = low if even else rung
    share = budget_micros / table[at, SPEND]
    return Day(table[at] * share, at, share)
