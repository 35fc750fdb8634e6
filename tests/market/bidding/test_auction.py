"""The auction of one control slot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.market.arrays import Floats
from adcascade.market.bidding import AuctionRules, Opportunities, hold_auction
from adcascade.market.bidding.auction import exposure_cascade, without

ONE_IN_ALL = st.integers(0, 2**32 - 1)


def opportunities(seed: int, n: int = 40, agents: int = 6, places: int = 3) -> Opportunities:
    """Random opportunities."""
    random = np.random.default_rng(seed)
    value = random.random((n, agents)) * 0.3
    return Opportunities(
        value=value,
        sigma=0.1 * value,
        realised=value,
        action_luck=random.random((n, agents)),
        exposure_luck=random.random((n, places)),
        tie_luck=random.random((n, agents)),
    )


def bids_of(seed: int) -> Floats:
    """Random bids, some of them 0 and some equal."""
    return np.round(np.random.default_rng(seed).random((40, 6)) * 8).astype(np.float64)


def slow(bids: Floats, o: Opportunities, rules: AuctionRules, i: int) -> list[tuple[int, float, bool]]:
    """Row i again with plain loops: (slot, price, exposed) of each agent."""
    order = sorted(range(bids.shape[1]), key=lambda a: -bids[i, a] * (1 + 1e-9 * o.tie_luck[i, a]))
    result, seen_above = [(0, 0.0, False)] * len(order), True
    for k, coefficient in enumerate(rules.exposure):
        agent, bid = order[k], bids[i, order[k]]
        below = bids[i, order[k + 1]] if k + 1 < len(order) else 0.0
        price = max(bid if rules.price == "own" else below, rules.reserve)
        seen = bool(o.exposure_luck[i, k] < coefficient) and (k < 2 or seen_above)
        seen_above = seen
        sold = bid >= rules.reserve if rules.sell_at_reserve else price > rules.reserve
        if sold and bid > 0:
            result[agent] = (k + 1, price, seen)
    return result


@settings(deadline=None, max_examples=40)
@given(ONE_IN_ALL, st.sampled_from(["next", "own"]), st.booleans(), st.sampled_from([0.0, 1e-4, 2.0]))
def test_the_fast_auction_agrees_with_the_slow_one(seed: int, price: str, at_reserve: bool, reserve: float) -> None:
    """Places, prices and exposures are those of a loop over sorted bids, for every rule."""
    rules = AuctionRules(price=price, sell_at_reserve=at_reserve, reserve=reserve)  # type: ignore[arg-type]
    o, bids = opportunities(seed), bids_of(seed)
    fast = hold_auction(bids, o, rules)
    for i in range(len(o)):
        told = list(zip(fast.slot[i], fast.price[i], fast.exposed[i], strict=True))
        assert told == slow(bids, o, rules, i)


@settings(deadline=None, max_examples=30)
@given(ONE_IN_ALL, st.sampled_from(["next", "own"]))
def test_no_winner_pays_above_its_bid_and_only_what_is_seen(seed: int, price: str) -> None:
    """price <= bid; cost is the price if exposed, else nothing; actions only if exposed."""
    o, bids = opportunities(seed), bids_of(seed)
    outcome = hold_auction(bids, o, AuctionRules(price=price))  # type: ignore[arg-type]
    assert (outcome.price <= bids).all()
    assert np.array_equal(outcome.cost, outcome.price * outcome.exposed)
    assert not (outcome.exposed & (outcome.slot == 0)).any()
    assert not (outcome.action & ~outcome.exposed).any()


@settings(deadline=None, max_examples=30)
@given(ONE_IN_ALL, st.integers(0, 5))
def test_a_higher_bid_never_loses_a_place(seed: int, agent: int) -> None:
    """Raising one agent's bids moves it up or leaves it; it wins exactly where it bids above `without` it."""
    o, bids = opportunities(seed), bids_of(seed)
    rules = AuctionRules(reserve=0.5)
    before = hold_auction(bids, o, rules).slot[:, agent]
    raised = bids.copy()
    raised[:, agent] += 0.25
    after = hold_auction(raised, o, rules).slot[:, agent]
    rank = np.where(before == 0, 9, before)
    assert (np.where(after == 0, 9, after) <= rank).all()
    bar = without(bids, agent, 3, rules.reserve)
    assert (before[bids[:, agent] < bar] == 0).all()
    clear = raised[:, agent] > np.maximum(bar, 1e-12)
    sold = AuctionRules(reserve=0.5, sell_at_reserve=True)
    assert (hold_auction(raised, o, sold).slot[clear, agent] > 0).all()


def test_second_price_is_gsp_with_one_place() -> None:
    """With one place the winner pays the second highest bid, and with "own" its own."""
    o, bids = opportunities(1, places=1), np.random.default_rng(1).random((40, 6)) + 1
    ordered = np.sort(bids, axis=1)
    second = hold_auction(bids, o, AuctionRules(exposure=(1.0,)))
    first = hold_auction(bids, o, AuctionRules(exposure=(1.0,), price="own"))
    assert np.allclose(second.cost.sum(axis=1), ordered[:, -2])
    assert np.allclose(first.cost.sum(axis=1), ordered[:, -1])
    assert np.allclose(second.least_winning_cost, ordered[:, -2])


def test_the_cascade_hides_the_third_place_with_the_second() -> None:
    """The share of PVs that see places 1, 2, 3 is 1, 0.8, 0.48, and 3 never without 2."""
    luck = np.random.default_rng(0).random((100_000, 3))
    seen = exposure_cascade(luck, (1.0, 0.8, 0.6))
    assert np.allclose(seen.mean(axis=0), (1.0, 0.8, 0.48), atol=0.01)
    assert not (seen[:, 2] & ~seen[:, 1]).any()


def test_equal_bids_win_equally_often() -> None:
    """Among six equal bids each agent wins each place in about a sixth of the PVs."""
    o = opportunities(3, n=20_000)
    slot = hold_auction(np.ones((20_000, 6)), o, AuctionRules()).slot
    for place in (1, 2, 3):
        assert np.allclose((slot == place).mean(axis=0), 1 / 6, atol=0.015)


def test_paying_per_action_costs_the_same_in_expectation() -> None:
    """Charged at price / v when it happens, the mean cost is that of charging exposures, if v is the truth."""
    o = opportunities(4, n=60_000)
    bids = o.value * 10
    exposures, actions = (hold_auction(bids, o, AuctionRules(charge=c)) for c in ("exposure", "action"))
    assert actions.cost.sum() == pytest.approx(exposures.cost.sum(), rel=0.03)
    assert not actions.cost[~actions.action].any()


def test_more_places_than_agents_leave_places_empty() -> None:
    """Two agents on three places: both win (with selling at the reserve), nobody else, the last pays the reserve."""
    o = opportunities(5, agents=2)
    outcome = hold_auction(np.full((40, 2), 3.0), o, AuctionRules(sell_at_reserve=True, reserve=0.1))
    assert (np.sort(outcome.slot, axis=1) == [1, 2]).all()
    assert (np.sort(outcome.price, axis=1) == [0.1, 3.0]).all()


def test_bids_of_nothing_win_nothing() -> None:
    """Bids of 0 and below win no place at any reserve."""
    o = opportunities(6)
    for reserve in (0.0, 0.1):
        assert not hold_auction(-np.ones((40, 6)), o, AuctionRules(reserve=reserve, sell_at_reserve=True)).slot.any()


def test_coefficients_are_probabilities() -> None:
    """Exposure above 1 or no place at all is refused."""
    for exposure in ((), (1.2,), (0.5, -0.1)):
        with pytest.raises(InputError, match="exposure is"):
            AuctionRules(exposure=exposure)
