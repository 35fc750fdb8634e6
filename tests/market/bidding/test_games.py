"""Laws of the two-agent game and of the game of mean agents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.market.arrays import Floats, Ints
from adcascade.market.bidding import (
    AuctionNetSource,
    AuctionRules,
    GroupConfig,
    GroupGame,
    Opportunities,
    TwoAgentConfig,
    TwoAgentGame,
    hold_auction,
)
from adcascade.market.bidding.mean_agents import group_means, member_bids, one_place

TWO = TwoAgentConfig(steps=20, levels=5)
SMALL = GroupConfig(steps=6, auctions=4, levels=5)


def two(share: float = 0.5) -> TwoAgentGame:
    """One run of two-agent games."""
    return TwoAgentGame(TWO, np.array([share]))


@given(seed=st.integers(0, 10**6), share=st.floats(0.1, 0.9))
def test_two_agents_win_pay_and_keep_their_budgets(seed: int, share: float) -> None:
    """One winner at most, its price between the reserve and its bid; affordable bids never overspend."""
    random = np.random.default_rng(seed)
    game = two(share)
    view = game.reset([np.random.default_rng(seed)], 3)
    assert np.allclose(game.budget.sum(), 0.5 * TWO.steps)
    spent = np.zeros((1, 3, 2))
    for _ in range(game.steps):
        bid = np.minimum(random.choice(game.grid, (1, 3, 2)), game.grid[0])
        bid = np.where(view.affordable >= 0.75, random.choice(game.grid[:4], (1, 3, 2)), bid)
        step, after = game.step(bid)
        assert ((step.paid > 0).sum(axis=-1) <= 1).all()
        assert (step.paid <= np.maximum(bid, 0)).all()
        assert (step.paid[step.paid > 0] >= TWO.reserve).all()
        assert ((step.gained > 0) == (step.paid > 0)).all()
        spent += step.paid
        assert np.allclose(after.affordable, game.budget - spent)
        assert np.allclose(view.affordable, game.budget - spent + step.paid)
        view = after
    assert (spent <= game.budget + 1e-9).all()


def test_values_have_the_mean_a_half() -> None:
    """Whatever was drawn, an episode's mean is 0.5 for each agent."""
    game = two()
    view = game.reset([np.random.default_rng(1)], 4)
    values = []
    for _ in range(game.steps):
        values.append(view.seen[..., 1])
        _, view = game.step(np.zeros((1, 4, 2)))
    assert np.allclose(np.mean(values, axis=0), 0.5)


@given(seed=st.integers(0, 10**6))
def test_one_place_is_the_markets_auction(seed: int) -> None:
    """Second price for one place, in arrays of any rank, sells as `hold_auction` does."""
    bids = np.random.default_rng(seed).random((7, 4)) * np.array([1.0, 1.0, 1.0, 0.0])
    luck = np.full((7, 4), 0.5)
    nothing = Opportunities(
        value=luck, sigma=luck, realised=luck, action_luck=luck, exposure_luck=luck[:, :1], tie_luck=luck
    )
    outcome = hold_auction(bids, nothing, AuctionRules(exposure=(1.0,), reserve=0.3, sell_at_reserve=True))
    winner, price, sold = one_place(bids, 0.3)
    assert np.array_equal(sold, (outcome.slot > 0).any(axis=1))
    assert np.array_equal(winner[sold], outcome.slot.argmax(axis=1)[sold])
    assert np.allclose(price[sold], outcome.price.max(axis=1)[sold])


class Duel:
    """Two groups of one member each and one auction a step, with the values of a two-agent game."""

    groups = 2

    def draw(self, random: np.random.Generator, shape: tuple[int, int, int]) -> tuple[Floats, Ints]:
        """U(0, 1) rescaled to the mean 0.5 of an episode."""
        value = random.random((*shape[:2], 2))
        value *= 0.5 / value.mean(axis=0)
        return value[:, :, None], np.broadcast_to(np.arange(2, dtype=np.int32), (*shape, 2))


@given(seed=st.integers(0, 10**6))
def test_a_mean_agent_with_one_member_is_the_plain_agent(seed: int) -> None:
    """With the same values and bids both games sell to the same agents at the same prices."""
    config = GroupConfig(steps=TWO.steps, auctions=1, levels=5, highest=1.0, reserve=TWO.reserve)
    group = GroupGame(config, Duel(), seed=0, budgets=np.array([5.0, 5.0]))
    group.usual, group.most_won = np.ones(2), np.ones(2)  # the plain game counts in money
    plain = two()
    first, second = (game.reset([np.random.default_rng(seed)], 3) for game in (plain, group))
    random = np.random.default_rng(seed + 1)
    for _ in range(TWO.steps):
        assert np.allclose(first.seen, second.seen)
        bid = np.minimum(random.permuted(np.broadcast_to(group.grid[1:3], (1, 3, 2)), axis=-1), first.affordable)
        one, first = plain.step(bid)
        other, second = group.step(bid)
        assert np.allclose(one.gained, other.gained)
        assert np.allclose(one.paid, other.paid, atol=1e-4)


@given(seed=st.integers(0, 10**6), most=st.sampled_from([None, 1.0]))
def test_members_bid_by_their_advantage(seed: int, most: float | None) -> None:
    """alpha = b_g / v_g for all members of a group, up to three times the mean; bounded by the value where asked."""
    random = np.random.default_rng(seed)
    value, group = random.exponential(size=(5, 6)), random.integers(0, 3, (5, 6)).astype(np.int32)
    mean, bid = group_means(value, group, 3), random.random(3)
    bids = member_bids(bid, value, mean, group, most=most)
    for e in range(5):
        for k in range(6):
            g = group[e, k]
            wanted = bid[g] * min(value[e, k] / mean[g], 3.0)
            assert bids[e, k] == pytest.approx(wanted if most is None else min(wanted, value[e, k]))
    for g in range(3):
        mine = value[group == g]
        assert mean[g] == pytest.approx(mine.mean() if len(mine) else 0.0)


@given(seed=st.integers(0, 10**6))
def test_groups_stay_within_their_budgets(seed: int) -> None:
    """Random mean bids never spend more than a group's budget, and who has nothing left may bid nothing."""
    game = GroupGame(SMALL, AuctionNetSource(), seed=5)
    random = np.random.default_rng(seed)
    view, paid = game.reset([random, np.random.default_rng(seed + 1)], 2), np.zeros((2, 2, 3))
    for _ in range(game.steps):
        step, view = game.step(np.minimum(random.choice(game.grid, (2, 2, 3)), view.affordable))
        paid += step.paid
        assert (step.gained >= 0).all()
    assert (paid <= game.budget + 1e-6).all()
    assert (view.affordable[paid > game.budget * (1 - 1e-7)] == 0).all()


def test_winning_everything_is_the_unit_of_value() -> None:
    """A group alone in the market gains about 1 a step; P is what all pay at the highest bids."""
    game = GroupGame(SMALL, AuctionNetSource(), seed=5, budgets=np.full(3, 1e9))
    game.reset([np.random.default_rng(0)], 200)
    gained, paid = 0.0, 0.0
    for _ in range(game.steps):
        step, _ = game.step(np.full((1, 200, 3), game.grid[-1]) * np.array([1.0, 0.0, 0.0]))
        gained += float(step.gained[..., 0].mean()) / game.steps
    assert gained == pytest.approx(1.0, abs=0.1)
    game.reset([np.random.default_rng(0)], 200)
    for _ in range(game.steps):
        step, _ = game.step(np.full((1, 200, 3), game.grid[-1]))
        paid += float(step.paid.sum()) / 200
    assert paid == pytest.approx(game.most_paid, rel=0.1)
