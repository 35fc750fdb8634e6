"""Laws of bidders that are asked with states."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.bidding import Bidder, BidState, FixedBidder, Pacer, PacingBidder, PastSlot


def state(planned: float, spent: int, budget: int | None = 1000) -> BidState:
    """A state of which pacing reads three fields."""
    return BidState(time_left=1 - planned, planned=planned, budget=budget, spent=spent)


def test_both_keep_the_contract() -> None:
    """Fixed and pacing bidders are Bidders."""
    assert isinstance(FixedBidder(), Bidder)
    assert isinstance(PacingBidder(), Bidder)


@given(spent=st.lists(st.integers(0, 100), min_size=1, max_size=12))
def test_a_pacing_bidder_answers_as_the_pacer(spent: list[int]) -> None:
    """The law in the market is the law in the server."""
    pacer, states, total = Pacer(), [], 0
    for k, more in enumerate(spent, start=1):
        total += more
        states.append(state(k / 20, total))
        pacer.update(np.array([total]), np.array([1000]), k / 20)
    answer = PacingBidder().alpha(states[-1], [PastSlot(state=past, alpha=1.0) for past in states[:-1]])
    assert answer == pytest.approx(float(pacer.alpha[0]))


def test_scale_multiplies_and_no_limit_means_full_speed() -> None:
    """alpha = scale times the factor; without a budget the factor is 1."""
    assert PacingBidder(scale=90.0).alpha(state(0.5, 10**9, None), ()) == 90.0
    fast = state(0.1, 900)
    assert PacingBidder(scale=3.0).alpha(fast, ()) == pytest.approx(3 * PacingBidder().alpha(fast, ()))
    assert FixedBidder(0.7).alpha(fast, ()) == 0.7


@given(spent=st.integers(0, 5000), budget=st.integers(0, 1000))
def test_budget_left_is_a_share(spent: int, budget: int) -> None:
    """In [0, 1], 0 for an empty budget, 1 without limit."""
    assert 0.0 <= state(0.5, spent, budget).budget_left <= 1.0
    assert state(0.5, spent, 0).budget_left == 0.0
    assert state(0.5, spent, None).budget_left == 1.0
