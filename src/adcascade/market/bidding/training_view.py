"""The sixteen numbers by which AuctionNet's learned bidders see their state."""

from collections.abc import Callable, Sequence

import numpy as np

from adcascade.market.arrays import Floats
from adcascade.market.bidding.disclosed import MarketSlot, MarketState


def training_view(state: MarketState, history: Sequence[MarketSlot]) -> Floats:
    """[16]: time left, budget left, bid (all, last 3), then price, value, action, win (all), the same (last 3),
    value now, number of PVs now, last 3, so far. Means are means over ticks of a tick's mean; 0 before the first.
    """  # fmt: skip
    columns: tuple[Callable[[MarketSlot], np.ndarray], ...] = (
        lambda tick: tick.lowest,
        lambda tick: tick.value,
        lambda tick: tick.action,
        lambda tick: tick.place > 0,
    )
    last = history[-3:]
    bids = [_mean(ticks, lambda tick: tick.bid) for ticks in (history, last)]
    means = [_mean(ticks, column) for ticks in (history, last) for column in columns]
    counts = [float(sum(len(tick.value) for tick in ticks)) for ticks in (last, history)]
    now = float(state.value.mean()) if len(state.value) else 0.0
    time_left, budget_left = state.time_left, state.budget_left
    return np.array([time_left, budget_left, *bids, *means, now, float(len(state.value)), *counts])


def _mean(ticks: Sequence[MarketSlot], column: Callable[[MarketSlot], np.ndarray]) -> float:
    """Mean over ticks of the tick's mean, leaving out what was not disclosed (NaN) and ticks without PVs."""
    values = [column(tick).astype(np.float64) for tick in ticks]
    known = [x[~np.isnan(x)] for x in values]
    return float(np.mean([x.mean() for x in known if len(x)])) if any(len(x) for x in known) else 0.0
