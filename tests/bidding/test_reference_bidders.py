"""AuctionNet's reference bidders and the hindsight oracle."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.bidding import Bidder, BidState, OnlineLpBidder, PastSlot, PidBidder
from adcascade.bidding.online_lp import hindsight_alpha


def state(slot: int, remaining: float) -> BidState:
    """A state of a bidder with a budget of 100."""
    return BidState(time_left=1 - slot / 48, planned=slot / 48, budget=100.0, spent=100.0 - remaining, cpa=80.0)


def spent(cost: float, alpha: float = 10.0) -> PastSlot:
    """A slot in which so much was spent at this alpha."""
    return PastSlot(state=state(0, 100.0), alpha=alpha, spent=cost)


def test_all_keep_the_contract() -> None:
    """They are Bidders."""
    assert isinstance(PidBidder(), Bidder)
    assert isinstance(OnlineLpBidder([], []), Bidder)


def test_pid_follows_its_projected_spend() -> None:
    """Spending too slowly raises alpha by 1.2, too fast lowers it by 0.7, on plan moves nothing, a new day resets."""
    pid = PidBidder(10.0)
    assert pid.alpha(state(0, 100.0), []) == 10.0
    assert pid.alpha(state(24, 48.0), [spent(2.0)]) == 10.0
    assert pid.alpha(state(24, 48.0), [spent(1.0)]) == 12.0
    assert pid.alpha(state(24, 48.0), [spent(1.0), spent(4.0, 12.0)]) == 12.0 * 0.7
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
