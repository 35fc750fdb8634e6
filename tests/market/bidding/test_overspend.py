"""Nobody spends more than it has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.market.arrays import Floats
from adcascade.market.bidding import AuctionRules, Opportunities, hold_auction
from adcascade.market.bidding.overspend import auction_within_budgets

RULES = {kind: AuctionRules(overspend=kind) for kind in ("rerun", "stop")}


def setting(seed: int) -> tuple[Opportunities, Floats]:
    """120 opportunities for 5 agents, and their bids."""
    random = np.random.default_rng(seed)
    size = (120, 5)
    value = random.random(size)
    return Opportunities(
        value=value,
        sigma=value,
        realised=value,
        action_luck=random.random(size),
        exposure_luck=random.random((120, 3)),
        tie_luck=random.random(size),
    ), value * 2


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(["rerun", "stop"]), st.lists(st.floats(0, 60), min_size=5, max_size=5))
def test_nobody_overspends(seed: int, kind: str, budgets: list[float]) -> None:
    """Whatever remains, the cost of the control slot is within it for all agents, and bids only fall."""
    o, bids = setting(seed)
    outcome, final = auction_within_budgets(bids, o, RULES[kind], np.array(budgets), np.random.default_rng(0))
    assert (outcome.cost.sum(axis=0) <= np.array(budgets)).all()
    assert ((final == bids) | (final == 0)).all()


@pytest.mark.parametrize("kind", ["rerun", "stop"])
def test_who_can_pay_is_left_alone(kind: str) -> None:
    """With budgets that suffice the outcome is that of the plain auction."""
    o, bids = setting(1)
    outcome, final = auction_within_budgets(bids, o, RULES[kind], np.full(5, 1e9), np.random.default_rng(0))
    assert np.array_equal(final, bids)
    assert np.array_equal(outcome.cost, hold_auction(bids, o, RULES[kind]).cost)


def test_stopping_keeps_the_past() -> None:
    """Under "stop" the PVs before the end are as if nobody had a budget, and the end uses most of it."""
    o, bids = setting(2)
    plain = hold_auction(bids, o, RULES["stop"])
    budget = np.full(5, 1e9)
    budget[3] = plain.cost[:, 3].sum() / 2
    outcome, final = auction_within_budgets(bids, o, RULES["stop"], budget, np.random.default_rng(0))
    end = int(np.argmax(final[:, 3] == 0))
    assert np.array_equal(outcome.cost[:end], plain.cost[:end])
    assert not final[end:, 3].any()
    assert outcome.cost[:, 3].sum() > budget[3] - 2
