"""Scores, regrets and social sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.market.bidding import auctionnet_score
from adcascade.market.bidding.scores import regrets, social

MONEY = st.lists(st.floats(0, 100), min_size=4, max_size=4)


def test_the_score_of_worked_examples() -> None:
    """Within the constraint: the conversions; at twice the CPA: a quarter; without conversions: nothing."""
    score = auctionnet_score(np.array([10.0, 10.0, 0.0, 3.0]), np.array([900.0, 2000.0, 50.0, 0.0]), np.full(4, 100.0))
    assert score == pytest.approx([10.0, 2.5, 0.0, 3.0])


@given(MONEY, MONEY, st.lists(st.booleans(), min_size=4, max_size=4))
def test_welfare_is_surplus_and_revenue(value: list[float], cost: list[float], action: list[bool]) -> None:
    """What the seller and the agents get is what happened, no more and no less."""
    sums = social(np.array(value), np.array(action), np.array(cost))
    assert sums.welfare == pytest.approx(sums.surplus + sums.revenue)


def test_truth_has_no_regret_in_a_second_price_auction() -> None:
    """A bidder that knows the truth, takes the best item and bids its worth regrets nothing."""
    random = np.random.default_rng(0)
    worth, others = random.random(200), random.random(200)
    won = worth > others
    price = np.where(won, others, np.maximum(worth, others))  # of a loser: what the winner bids, at least its own
    none = regrets(worth=worth, best_worth=worth, estimate=worth, bid=worth, won=won, price=price, second=others)
    assert (none.allocation, none.estimation, none.overbid, none.underbid) == (0.0, 0.0, 0.0, 0.0)
    first = regrets(
        worth=worth, best_worth=worth + 0.1, estimate=2 * worth, bid=worth, won=won, price=worth, second=others
    )
    assert first.overbid > 0
    assert first.allocation == pytest.approx(20.0)
    assert first.estimation == pytest.approx(worth.sum())
