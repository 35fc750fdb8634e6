"""Laws of a learned policy where it serves: as learned, as saved, alike in the market and in the server."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from adcascade.bidding import Bidder, BidState, EndedSlot, FixedBidder, PacingBidder, PastSlot, PidBidder
from adcascade.bidding.bidder_pacer import LOWEST, BidderPacer
from adcascade.bidding.maab import Maab, Run, Schedule
from adcascade.bidding.policy import Policy, PolicyManifest, load_policy
from adcascade.bidding.q_agents import QConfig
from adcascade.contracts.bidder import GroupBidder
from adcascade.errors import BundleError, DataMissingError
from adcascade.market.bidding import (
    AuctionNetConfig,
    AuctionNetPeriod,
    AuctionNetSource,
    GroupConfig,
    GroupGame,
    draw_agents,
    run_period,
)

MANIFEST = PolicyManifest(method="maab", groups=("a", "b", "c"), seed=0, until_us=0, auctions=0, figures={"x": 0.5})
CONFIG = AuctionNetConfig(pvs=3_000, categories=1, agents_per_category=4)
AGENTS = draw_agents(CONFIG, 0)


@pytest.fixture(scope="module")
def maab() -> Maab:
    """Bidders that have hardly learned."""
    game = GroupGame(GroupConfig(steps=6, auctions=4, levels=7, highest=1.5), AuctionNetSource(), seed=5)
    schedule = Schedule(rounds=2, episodes=4, updates=2, batch=16, kept=8, q=QConfig(hidden=(8, 8)))
    maab = Maab(game, [Run(seed=1000), Run(seed=1001)], schedule)
    maab.learn()
    return maab


@pytest.fixture(scope="module")
def policy(maab: Maab) -> Policy:
    """What the second run learned."""
    return maab.policy(1, MANIFEST)


def test_serving_values_are_those_of_the_network(maab: Maab, policy: Policy) -> None:
    """NumPy's Q equals torch's within 1e-5."""
    random = np.random.default_rng(0)
    seen = random.random((2, 50, 3, 3))
    value = maab.bidders.network(maab.bidders._input(seen))[1].detach().numpy().reshape(50, 3, -1)
    numbered = np.concatenate([seen[1], np.broadcast_to(np.eye(3), (50, 3, 3))], axis=-1)
    assert np.allclose(policy.values(numbered), value, atol=1e-5)


def test_a_saved_policy_is_loaded_as_it_was(policy: Policy, tmp_path: Path) -> None:
    """Weights, grid and manifest come back; what is absent, damaged or of another format is an error with a remedy."""
    with pytest.raises(DataMissingError, match="adcascade bidder train"):
        load_policy(tmp_path)
    policy.save(tmp_path)
    loaded = load_policy(tmp_path)
    assert loaded.manifest == MANIFEST
    assert np.array_equal(loaded.grid, policy.grid)
    assert all(np.array_equal(a, b) for a, b in zip(loaded.weights, policy.weights, strict=True))
    with pytest.raises(DataMissingError, match="no group 'd'"):
        loaded.bidder("d")
    (tmp_path / "policy.json").write_text((tmp_path / "policy.json").read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(BundleError, match="format 9"):
        load_policy(tmp_path)
    (tmp_path / "policy.npz").write_bytes(b"no archive")
    with pytest.raises(BundleError, match="cannot be read"):
        load_policy(tmp_path)


def past(mean_value: float) -> PastSlot:
    """A slot with opportunities of this mean value."""
    return PastSlot(state=BidState(time_left=1.0, planned=0.0, budget=9.0, spent=0.0), alpha=1.0, mean_value=mean_value)


def test_a_policy_bids_by_its_levels(policy: Policy) -> None:
    """alpha is scale * level / value; the unit of the value does not matter; who is broke bids the lowest level."""
    bidder = policy.bidder("b")
    assert isinstance(bidder, Bidder)
    now = BidState(time_left=0.5, planned=0.5, budget=9.0, spent=1.0)
    assert min(abs(bidder.alpha(now, []) - policy.grid)) < 1e-12
    assert bidder.alpha(now, [past(2.0), past(3.0)]) == pytest.approx(bidder.alpha(now, [past(20.0), past(30.0)]))
    assert min(abs(bidder.alpha(now, [past(2.0), past(3.0), past(0.0)]) * 1.2 - policy.grid)) < 1e-12
    assert policy.bidder("b", 7.0).alpha(now, []) == pytest.approx(7 * bidder.alpha(now, []))
    assert bidder.alpha(BidState(time_left=0.5, planned=0.5, budget=9.0, spent=9.0), []) == 0.0


def test_a_group_is_asked_as_its_members_one_by_one(policy: Policy) -> None:
    """`alphas` is `alpha`, campaign by campaign."""
    bidder, random = policy.bidder("c", 2.0), np.random.default_rng(3)
    assert isinstance(bidder, GroupBidder)
    states = [BidState(time_left=1 - x, planned=x, budget=10.0, spent=12 * y) for x, y in random.random((20, 2))]
    histories = [[past(v) for v in random.random(n)] for n in random.integers(0, 4, 20)]
    one_by_one = [bidder.alpha(state, history) for state, history in zip(states, histories, strict=True)]
    assert bidder.alphas(states, histories) == pytest.approx(one_by_one)


@dataclass
class Witness:
    """Asks another bidder, and keeps what it was told and answered."""

    bidder: Bidder
    states: list[BidState] = field(default_factory=list)
    history: Sequence[PastSlot] = ()
    answers: list[float] = field(default_factory=list)

    def alpha(self, state: BidState, history: Sequence[PastSlot]) -> float:
        """The other's answer."""
        self.states.append(state)
        self.history = history
        self.answers.append(self.bidder.alpha(state, history))
        return self.answers[-1]


def ended(slot: PastSlot) -> EndedSlot:
    """A slot of the market as the server would have tallied it, of one campaign."""
    n = slot.opportunities
    money: Any = np.array([slot.spent])  # the market's is not counted in whole micros
    opportunities, won, seen, actions = (np.array([x], np.int64) for x in (n, slot.won, slot.seen, slot.actions))
    return EndedSlot(
        opportunities=opportunities,
        won=won,
        seen=seen,
        actions=actions,
        spent=money,
        bid=np.array([slot.mean_bid * n]),
        value=np.array([slot.mean_value * n]),
        reward=np.array([slot.reward]),
    )


@pytest.mark.parametrize("kind", ["fixed", "pid", "pacing", "policy"])
def test_the_same_bidder_answers_alike_in_the_market_and_in_the_server(kind: str, policy: Policy) -> None:
    """Told the same states and slots, a bidder gives the server's pacer the alpha that it gave the market's period."""
    bidders: dict[str, Bidder] = {
        "fixed": FixedBidder(0.7),
        "pid": PidBidder(0.9),
        "pacing": PacingBidder(),
        "policy": policy.bidder("a"),
    }
    witness = Witness(bidders[kind])
    run_period(AuctionNetPeriod(CONFIG, 0), AGENTS, [witness, *(FixedBidder(0.8) for _ in range(3))])
    pacer = BidderPacer(lambda number: bidders[kind], slots=48, kept=48)
    pacer.curve = np.array([0.0, *(state.planned for state in witness.states[1:]), 1.0])
    answers = []
    for number, state in enumerate(witness.states):
        slot = ended(witness.history[number - 1]) if number else None
        spent, budget = (cast("Any", np.array([money])) for money in (state.spent, state.budget))
        pacer.update(spent, budget, 1 - state.time_left, None, slot)
        answers.append(float(pacer.alpha[0]))
    assert answers == pytest.approx(np.clip(witness.answers, LOWEST, 1.0).tolist())


def test_a_pacer_of_bidders_forgets_yesterday_and_meets_newcomers(policy: Policy) -> None:
    """A new day begins without history; a campaign that appears is asked at once; no budget or haste means alpha 1."""
    asked: list[int] = []

    def bidder_of(number: int) -> Bidder:
        asked.append(number)
        return FixedBidder(0.5)

    pacer = BidderPacer(bidder_of, slots=24, kept=2)
    budget = np.array([100, -1])
    assert pacer.update(np.zeros(2, np.int64), budget, 0.25).tolist() == [0.5, 1.0]
    for k in range(4):
        pacer.update(np.zeros(2, np.int64), budget, 0.3 + k / 10)
    assert [len(history) for history in pacer._histories] == [2, 2]
    pacer.update(np.zeros(3, np.int64), np.array([100, -1, 100]), 0.1, np.array([True, True, False]))
    assert [len(history) for history in pacer._histories] == [0, 0, 0]
    assert pacer.alpha.tolist() == [0.5, 1.0, 1.0]
    assert asked == [0, 1, 2]
