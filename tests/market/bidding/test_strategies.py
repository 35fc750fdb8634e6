"""Reference strategies and the hindsight oracle."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.market.bidding import BidderState, BidderTick, Pid
from adcascade.market.bidding.replay import replay
from adcascade.market.bidding.strategies import hindsight_alpha

EMPTY = np.zeros(0)


def state(tick: int, remaining: float) -> BidderState:
    """A state of a bidder with a budget of 100."""
    return BidderState(tick=tick, ticks=48, budget=100.0, remaining=remaining, cpa=80.0, value=EMPTY, sigma=EMPTY)


def spent(cost: float) -> BidderTick:
    """A tick in which so much was spent."""
    one, yes = np.ones(1), np.ones(1, bool)
    return BidderTick(
        value=one,
        sigma=one,
        bid=one,
        slot=np.ones(1, np.int32),
        cost=np.array([cost]),
        exposed=yes,
        action=yes,
        least_winning_cost=one,
    )


def test_pid_follows_its_projected_spend() -> None:
    """Spending too slowly raises alpha by 1.2, too fast lowers it by 0.7, on plan moves nothing, a new day resets."""
    pid = Pid(10.0)
    assert pid.alpha(state(0, 100.0), []) == 10.0
    assert pid.alpha(state(24, 48.0), [spent(2.0)]) == 10.0
    assert pid.alpha(state(24, 48.0), [spent(1.0)]) == 12.0
    assert pid.alpha(state(24, 48.0), [spent(4.0)]) == 12.0 * 0.7
    assert pid.alpha(state(0, 100.0), [spent(4.0)]) == 10.0


@given(st.integers(0, 10**6), st.floats(0.1, 3.0))
def test_hindsight_is_the_best_threshold(seed: int, budget: float) -> None:
    """Buying what is cheaper than alpha in price / value gains what the best affordable subset gains, less one."""
    random = np.random.default_rng(seed)
    value, price = random.random(8), random.random(8) + 0.01
    alpha = hindsight_alpha(value, price, budget)
    bought = price / (value + 1e-4) < alpha - 1e-12
    assert price[bought].sum() <= budget + 1e-9 or bought.sum() == 7
    best = max(
        value[list(map(bool, pick))].sum()
        for pick in product((0, 1), repeat=8)
        if price[list(map(bool, pick))].sum() <= budget
    )
    assert value[bought].sum() + value.max() >= best - 0.01


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
