"""Laws of learning to bid: masks, independence of runs, what bars and bids are paid, and that something is learned."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adcascade.bidding.episodes import Episodes
from adcascade.bidding.maab import Maab, Played, Run, Schedule, rewards
from adcascade.bidding.policy import PolicyManifest, allowed
from adcascade.bidding.q_agents import QAgents, QConfig
from adcascade.bidding.q_networks import QNetworks, clip_per_run, td_target
from adcascade.market.bidding import TwoAgentConfig, TwoAgentGame

GRID = np.linspace(0.0, 1.0, 6)
SHORT = TwoAgentConfig(steps=12, levels=6)
FEW = Schedule(rounds=3, episodes=4, updates=2, batch=16, kept=8, q=QConfig(hidden=(8,)))
MANIFEST = PolicyManifest(method="maab", groups=("a", "b"), seed=0, until_us=0, auctions=0, figures={})


@given(seed=st.integers(0, 10**6), explore=st.sampled_from([0.0, 0.5, 1.0]))
def test_what_is_not_affordable_is_never_chosen(seed: int, explore: float) -> None:
    """Neither as the best nor by exploring; who is broke bids the lowest level."""
    random = np.random.default_rng(seed)
    agents = QAgents([seed, seed + 1], 2, GRID, QConfig(hidden=(8,)))
    affordable = random.random((2, 5, 2)) * random.integers(0, 2, (2, 5, 2))
    level = agents.choose(random.random((2, 5, 2, 3)), affordable, explore, random.random((2, 5, 2, 2)))
    assert (GRID[level] <= affordable + 1e-6).all()
    assert (level[affordable == 0] == 0).all()


@given(seed=st.integers(0, 10**6))
def test_the_target_is_that_of_a_loop_and_never_masked(seed: int) -> None:
    """Double Q by hand: the learning network chooses among what is affordable, the target network judges."""
    torch.manual_seed(seed)
    reward, after, judged = torch.rand(4, 2), torch.randn(4, 2, 6), torch.randn(4, 2, 6)
    affordable, going_on = torch.rand(4, 2), torch.tensor([1.0, 1.0, 0.0, 1.0])[:, None]
    may = torch.from_numpy(allowed(GRID, affordable.numpy()))
    target = td_target(reward, after, judged, may, going_on=going_on, discount=0.9)
    for b in range(4):
        for i in range(2):
            best = max((k for k in range(6) if may[b, i, k]), key=lambda k: float(after[b, i, k]))
            wanted = reward[b, i] + 0.9 * going_on[b, 0] * judged[b, i, best]
            assert float(target[b, i]) == pytest.approx(float(wanted), abs=1e-6)


def test_a_run_learns_the_same_alone_and_among_others() -> None:
    """Weights, luck and gradients of runs never mix."""
    runs = [Run(seed=3), Run(seed=4, credit="own", bars="none"), Run(seed=3, credit="total", bars="none")]
    together = Maab(TwoAgentGame(SHORT, np.array([0.5, 0.7, 0.5])), runs, FEW)
    together.learn()
    for number, share in ((0, 0.5), (1, 0.7)):
        alone = Maab(TwoAgentGame(SHORT, np.array([share])), [runs[number]], FEW)
        alone.learn()
        for mine, other in zip(
            alone.policy(0, MANIFEST).weights, together.policy(number, MANIFEST).weights, strict=True
        ):
            assert np.allclose(mine, other, atol=1e-5)


@given(seed=st.integers(0, 1000))
def test_networks_in_one_product_are_networks_one_by_one(seed: int) -> None:
    """The batched MLP equals torch's own layers, run by run."""
    networks = QNetworks((3, 8, 4), [seed, seed + 1])
    x = torch.randn((2, 5, 3), generator=torch.Generator().manual_seed(seed))
    for run in range(2):
        h = torch.relu(x[run] @ networks.weights[0][run] + networks.biases[0][run])
        assert torch.allclose(networks(x)[run], h @ networks.weights[1][run] + networks.biases[1][run], atol=1e-6)


def test_gradients_are_clipped_run_by_run() -> None:
    """A run with a huge gradient does not slow another one."""
    parameter = torch.nn.Parameter(torch.zeros(2, 3))
    parameter.grad = torch.tensor([[300.0, 400.0, 0.0], [3.0, 4.0, 0.0]])
    clip_per_run([parameter], 10.0)
    assert torch.allclose(parameter.grad, torch.tensor([[6.0, 8.0, 0.0], [3.0, 4.0, 0.0]]))


def test_the_replay_gives_back_what_it_was_told() -> None:
    """Steps drawn from a full ring are steps of the last episodes, with what followed them."""
    episodes = Episodes(2, 4, 3, 1)
    for number in range(3):  # 6 episodes, of which 4 are kept
        seen = np.full((2, 2, 4, 1, 3), float(number))
        seen[..., 0] += np.arange(4)[:, None] / 10
        at = episodes.add(seen, np.ones((2, 2, 4, 1)))
        for run in range(2):
            episodes.tell("bid", run, at, np.full((2, 3, 1), number), np.full((2, 3, 1), number + run / 2))
    batch = episodes.sample("bid", [1], [np.random.default_rng(0)] * 2, 50)
    told, step = batch.seen[0, :, 0, 1], np.rint(10 * (batch.seen[0, :, 0, 0] - batch.seen[0, :, 0, 1]))
    assert set(told.tolist()) == {1.0, 2.0}
    assert np.array_equal(batch.action[0, :, 0], told.astype(int))
    assert np.allclose(batch.reward[0, :, 0], told + 0.5)
    assert np.allclose(batch.seen_after[0, :, 0, 0], told + (step + 1) / 10)
    assert np.array_equal(batch.going_on[0], (step < 2).astype(np.float32))


def played(bid: list[int], bar: list[int], gained: list[float], affordable: float = 1.0) -> Played:
    """One step of one episode of one run."""
    levels = np.array(bid)[None, None, None]
    return Played(
        seen=np.zeros((1, 1, 2, 2, 3)),
        affordable=np.full((1, 1, 2, 2), affordable),
        bid_level=levels,
        bar_level=np.array(bar)[None, None, None],
        bid=GRID[levels],
        gained=np.array(gained)[None, None, None],
        paid=np.zeros((1, 1, 1, 2)),
    )


def test_rewards_of_each_kind_of_run() -> None:
    """Own, total, shared; a bar above the bid takes the reward away, and no bar asks for what is not affordable."""
    game = played([5, 2], [4, 3], [0.8, 0.0])
    assert rewards(Run(seed=0, credit="own", bars="none"), GRID, game, 0)[0].ravel().tolist() == [0.8, 0.0]
    assert rewards(Run(seed=0, credit="total", bars="none"), GRID, game, 0)[0].ravel().tolist() == [0.8, 0.8]
    shared, _ = rewards(Run(seed=0, tau=0.5, bars="none"), GRID, game, 0)
    assert shared.sum() == pytest.approx(0.8)
    gated, gate = rewards(Run(seed=0, tau=0.5), GRID, game, 0)
    assert gate.ravel().tolist() == [1.0, 0.0]
    assert np.array_equal(gated, gate * shared)
    assert rewards(Run(seed=0, bars=0.4), GRID, game, 0)[1].ravel().tolist() == [1.0, 1.0]
    assert rewards(Run(seed=0), GRID, played([0, 0], [0, 3], [0.0, 0.0], affordable=0.0), 0)[1].all()


def test_alone_for_itself_an_agent_learns_to_win() -> None:
    """In a few steps with much money, CM-IL's first agent, whose rival has hardly any, wins most of what there is."""
    game = TwoAgentGame(TwoAgentConfig(steps=6, levels=4), np.array([0.99]))
    schedule = Schedule(rounds=60, episodes=16, updates=4, batch=64, kept=320, q=QConfig(hidden=(16,), rate=1e-2))
    maab = Maab(game, [Run(seed=1000, credit="own", bars="none")], schedule)
    maab.learn()
    after = maab.play([np.random.default_rng(9)], 64).gained.sum(axis=2).mean(axis=1)[0]
    assert after[0] > 2.5
    assert after[1] < 0.5
