"""Replay against recorded prices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.market.bidding.replay import replay


@given(st.integers(0, 10**6), st.floats(0, 5))
def test_replay_never_overspends_and_stops(seed: int, budget: float) -> None:
    """Wins are bids above the price, in order, until the budget would be exceeded; then none."""
    random = np.random.default_rng(seed)
    bids, prices, gains = random.random((3, 30))
    answer = replay(bids, prices, gains, budget)
    left, won = budget, []
    for bid, price in zip(bids, prices, strict=True):
        wins = bid > price
        if wins:
            left -= price
        won.append(bool(wins and left >= -1e-12))
    assert answer.won.tolist() == won
    assert answer.cost <= budget + 1e-9
