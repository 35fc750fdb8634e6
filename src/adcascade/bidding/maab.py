"""MAAB: bidders of one platform learn beside each other, paid partly for the total, above bars that learn as well.

    for each step: every bidder picks b_i and every bar its bar_i, mostly the best by Q and Qbar, sometimes any
                   the auctions are held with b alone
    bidder's reward   z_i * alpha_i * r^tot     (credit.py)        bar's reward   z_i * p / n     (bars.py)
    then: gradient steps on Q, twice as many on Qbar; now and then both targets are copied

Without bars and with credit "own" this is CM-IL, with "total" CO-IL, with "shared" TRCA. Many runs, of other seeds and
other rewards, learn at once; none feels the others. (Wen et al., "A Cooperative-Competitive Multi-Agent Framework for
Auto-bidding in Online Advertising", WSDM 2022, arXiv 2106.06224.)

Left of the paper: Adam instead of RMSprop and many episodes a round, for minutes instead of hours; the last action is
not part of a bidder's observation, which the text does not mention and the public code has.

Letters in shapes: R runs, E episodes of a round, T steps, n agents, K levels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.bars import bar_rewards, gates
from adcascade.bidding.credit import Credit, credited
from adcascade.bidding.episodes import Episodes
from adcascade.bidding.game import Game, View
from adcascade.bidding.policy import Policy, PolicyManifest, allowed
from adcascade.bidding.q_agents import QAgents, QConfig

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run learns from. tau is in units of the highest bid, so is a bar that is a number (MAAB-fix)."""

    seed: int
    credit: Credit = "shared"
    tau: float = 4.0
    bars: Literal["none", "learned"] | float = "learned"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long is learned."""

    rounds: int = 300
    episodes: int = 16  # E, of a round
    updates: int = 8  # gradient steps on Q after a round
    batch: int = 256  # steps of an episode, each with its n agents
    kept: int = 1600  # episodes in the replay
    copy: int = 10  # gradient steps after which the targets are copied
    least_exploring: float = 0.05
    annealed: float = 0.4  # share of the rounds in which exploring falls from 1
    q: QConfig = field(default_factory=QConfig)

    def exploring(self, number: int) -> float:
        """Probability of any action instead of the best in a round."""
        return max(self.least_exploring, 1.0 - (1.0 - self.least_exploring) * number / (self.annealed * self.rounds))


@dataclass(slots=True, kw_only=True)
class Played:
    """Episodes from beginning to end, as they were lived through."""

    seen: Floats  # [R, E, T + 1, n, 3]
    affordable: Floats  # [R, E, T + 1, n]
    bid_level: Ints  # [R, E, T, n]
    bar_level: Ints  # [R, E, T, n] of runs without bars: 0
    bid: Floats  # [R, E, T, n]
    gained: Floats  # [R, E, T, n]
    paid: Floats  # [R, E, T, n]


class Maab:
    """R runs of bidders, and of bars where a run has them, in one game."""

    def __init__(self, game: Game, runs: Sequence[Run], schedule: Schedule) -> None:
        self.game, self.runs, self.schedule = game, runs, schedule
        self.barred = [i for i, run in enumerate(runs) if run.bars == "learned"]
        seeds = [run.seed for run in runs]
        self.bidders = QAgents(seeds, game.agents, game.grid, schedule.q)
        barred = [seeds[i] for i in self.barred]
        self.bars = QAgents(barred, game.agents, game.grid, schedule.q) if barred else None
        self.episodes = Episodes(len(runs), schedule.kept, game.steps, game.agents)
        self._world = [np.random.default_rng([seed, 1]) for seed in seeds]
        self._luck = [np.random.default_rng([seed, 2]) for seed in seeds]
        self._steps = 0

    def learn(self, progress: Callable[[int], None] | None = None) -> None:
        """All rounds; `progress` is told how many are done."""
        for number in range(self.schedule.rounds):
            self._keep(self.play(self._world, self.schedule.episodes, explore=self.schedule.exploring(number)))
            self._improve(1.0 - number / self.schedule.rounds)
            if progress is not None:
                progress(number + 1)

    def play(self, worlds: Sequence[np.random.Generator], episodes: int, *, explore: float = 0.0) -> Played:
        """So many episodes of each run, with one generator a run; explore = 0 plays the best actions, without luck."""
        game = self.game
        shape = (game.steps, 2, episodes, game.agents, 2)
        luck = np.stack([random.random(shape) for random in self._luck], axis=2) if explore > 0 else None
        view = game.reset(worlds, episodes)
        views, steps, levels, bars = [view], [], [], []
        for t in range(game.steps):
            lucky = (None, None) if luck is None else (luck[t, 0], luck[t, 1][self.barred])
            bars.append(self._bar_levels(view, explore, lucky[1]))
            levels.append(self.bidders.choose(view.seen, view.affordable, explore, lucky[0]))
            step, view = game.step(game.grid[levels[-1]])
            steps.append(step)
            views.append(view)
        return Played(
            seen=np.stack([v.seen for v in views], axis=2),
            affordable=np.stack([v.affordable for v in views], axis=2),
            bid_level=np.stack(levels, axis=2),
            bar_level=np.stack(bars, axis=2),
            bid=np.stack([s.bid for s in steps], axis=2),
            gained=np.stack([s.gained for s in steps], axis=2),
            paid=np.stack([s.paid for s in steps], axis=2),
        )

    def _bar_levels(self, view: View, explore: float, luck: Floats | None) -> Ints:
        """Bars [R, E, n]; nobody asks for them where nothing is explored, as at serving."""
        levels = np.zeros(view.affordable.shape, np.int64)
        if self.bars is not None and explore > 0:
            at = self.barred
            levels[at] = self.bars.choose(view.seen[at], view.affordable[at], explore, luck)
        return levels

    def _keep(self, played: Played) -> None:
        """Remember the episodes with what each run pays for them."""
        at = self.episodes.add(played.seen, played.affordable)
        for i, run in enumerate(self.runs):
            reward, gate = rewards(run, self.game.grid, played, i)
            self.episodes.tell("bid", i, at, played.bid_level[i], reward)
            if run.bars == "learned":
                self.episodes.tell("bar", i, at, played.bar_level[i], bar_rewards(gate, played.paid[i]))

    def _improve(self, left: float) -> None:
        """The gradient steps after a round."""
        everyone, size = range(len(self.runs)), self.schedule.batch
        for _ in range(self.schedule.updates):
            self.bidders.learn(self.episodes.sample("bid", everyone, self._luck, size), left)
            if self.bars is not None:
                for _ in range(2):
                    self.bars.learn(self.episodes.sample("bar", self.barred, self._luck, size), left)
            self._steps += 1
            if self._steps % self.schedule.copy == 0:
                self._copy()

    def _copy(self) -> None:
        self.bidders.copy()
        if self.bars is not None:
            self.bars.copy()

    def policy(self, run: int, manifest: PolicyManifest) -> Policy:
        """What a run's bidders have learned, for serving."""
        network = self.bidders.network
        weights = tuple(w[run].detach().numpy().astype(np.float64) for w in network.weights)
        biases = tuple(b[run].detach().numpy().astype(np.float64) for b in network.biases)
        return Policy(weights, biases, self.game.grid, manifest)


def rewards(run: Run, grid: Floats, played: Played, number: int) -> tuple[Floats, Floats]:
    """What the bidders of a run learn from, and their gates: [E, T, n] each."""
    top = float(grid[-1])
    reward = credited(run.credit, played.gained[number], played.bid[number], run.tau * top)
    level = grid[played.bid_level[number]]
    if run.bars == "none":
        return reward, np.ones_like(level)
    bar = grid[played.bar_level[number]] if run.bars == "learned" else np.asarray(float(run.bars) * top)
    highest = grid[allowed(grid, played.affordable[number, :, :-1]).sum(axis=-1) - 1]  # nobody is asked for more
    gate = gates(level, np.minimum(bar, highest))
    return gate * reward, gate
