"""The game of mean agents: groups with a budget each meet in the auctions of many steps.

    step       N auctions of m bidders; one place each, second price, reserve
    budgets    B_g = B0 * P * r_g,   P: what all pay in an episode if every group bids its highest mean bid
    reward     value that the group won in the step, as a share of what it would win alone
    over-spend from the auction on at which its budget would be exceeded, a group bids no more in the step

Where the auctions come from is a Source: AuctionNet's generator (here), or an installation's own log.
A bid level is in units of the group's usual mean value (`usual`), so groups of rich and poor opportunities bid alike.

Letters in shapes: R runs, E episodes, T steps, N auctions of a step, m bidders of an auction, G groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from adcascade.market.arrays import Flags, Floats, Ints
from adcascade.market.bidding.game import TIE, Step, View
from adcascade.market.bidding.mean_agents import group_means, member_bids, one_place


class Source(Protocol):
    """Where the auctions of an episode come from."""

    @property
    def groups(self) -> int:
        """The number G."""
        ...

    def draw(self, random: np.random.Generator, shape: tuple[int, int, int]) -> tuple[Floats, Ints]:
        """Values and groups of the bidders [T, E, N, m], for shape (T, E, N); a value of 0 does not take part."""
        ...


@dataclass(frozen=True, slots=True)
class AuctionNetSource:
    """AuctionNet's law of values in units of their mean: factors by block of steps, truncated normal around them."""

    groups: int = 3
    members: int = 2  # of each group, in every auction
    block: int = 8  # steps in which the factors stay the same

    def draw(self, random: np.random.Generator, shape: tuple[int, int, int]) -> tuple[Floats, Ints]:
        """f_group ~ U(0.3, 1.7) and f_member ~ U(0.5, 1.5) per block, v ~ N(mean, mean / 2) from 0 upward."""
        steps, episodes, auctions = shape
        blocks, bidders = -(-steps // self.block), self.groups * self.members
        by_group = random.uniform(0.3, 1.7, (blocks, episodes, self.groups)).repeat(self.members, axis=-1)
        mean = by_group * random.uniform(0.5, 1.5, (blocks, episodes, bidders))
        mean = mean.repeat(self.block, axis=0)[:steps, :, None]  # [T, E, 1, m]
        value = mean * (1 + 0.5 * random.standard_normal((steps, episodes, auctions, bidders)))
        group = np.arange(self.groups, dtype=np.int32).repeat(self.members)
        return value.clip(0), np.broadcast_to(group, value.shape)


@dataclass(frozen=True, kw_only=True)
class GroupConfig:
    """Sizes and rules."""

    steps: int = 24  # T
    auctions: int = 12  # N
    levels: int = 11  # K, equally spaced mean bids from 0 on
    highest: float = 2.0  # mean bid, in usual values of the group
    reserve: float = 0.05  # money
    most: float | None = None  # no member bids above `most` times its value; 1 in a server
    budget: float = 0.25  # B0
    budget_shares: tuple[float, ...] = (1.0, 1.0, 1.0)  # r_g

    @property
    def grid(self) -> Floats:
        """The mean bids that can be chosen, [K]."""
        return np.linspace(0.0, self.highest, self.levels)


class GroupGame:
    """R x E games in step with each other over auctions of one source; `most_paid` is P, measured at `seed`."""

    def __init__(self, config: GroupConfig, source: Source, *, seed: int, budgets: Floats | None = None) -> None:
        """budgets: [G] instead of B0 * P * r_g."""
        self.config, self.source = config, source
        self.grid, self.steps, self.agents = config.grid, config.steps, source.groups
        self.usual, self.most_won, self.most_paid = self._measure(np.random.default_rng(seed))
        drawn = config.budget * self.most_paid * np.array(config.budget_shares)
        self.budget: Floats = drawn if budgets is None else budgets

    def _measure(self, random: np.random.Generator, episodes: int = 32) -> tuple[Floats, Floats, float]:
        """Usual mean value [G], the value [G] that a group would win of a step if it won everything, and P."""
        value, group = self.source.draw(random, (self.steps, episodes, self.config.auctions))
        mean = group_means(value, group, self.agents)  # [T, E, G]
        usual = np.maximum(mean.mean(axis=(0, 1)), 1e-12)
        bid = member_bids(np.full_like(mean, self.grid[-1]) * usual, value, mean, group, most=self.config.most)
        _, price, sold = one_place(bid, self.config.reserve)
        alone = [np.where(group == g, value, 0.0).max(axis=-1).sum(axis=-1).mean() for g in range(self.agents)]
        return usual, np.maximum(np.array(alone), 1e-12), float((price * sold).sum() / episodes)

    def reset(self, randoms: Sequence[np.random.Generator], episodes: int) -> View:
        """New episodes, whose luck comes from one generator a run."""
        shape = (self.steps, episodes, self.config.auctions)
        drawn = [self.source.draw(random, shape) for random in randoms]
        self._value = np.stack([value for value, _ in drawn], axis=1)  # [T, R, E, N, m]
        self._group = np.stack([group for _, group in drawn], axis=1)
        self._mean = group_means(self._value, self._group, self.agents)  # [T, R, E, G]
        self._noise = 1 + TIE * np.stack([random.random(self._value[:, 0].shape) for random in randoms], axis=1)
        self._left = np.broadcast_to(self.budget, self._mean.shape[1:]).copy()
        self._step = 0
        return self._view()

    def step(self, bid: Floats) -> tuple[Step, View]:
        """Hold the step's auctions at the groups' mean bids [R, E, G], in usual values."""
        t = self._step
        value, group = self._value[t], self._group[t]
        bids = member_bids(bid * self.usual, value, self._mean[t], group, most=self.config.most)
        won, paid = self._within_budgets(bids, group, self._noise[t])
        gained = (won * value[..., None]).sum(axis=(-3, -2)) / self.most_won
        self._left = np.maximum(self._left - paid, 0.0)
        self._step += 1
        return Step(bid=bid, gained=gained, paid=paid), self._view()

    def _within_budgets(self, bids: Floats, group: Ints, noise: Floats) -> tuple[Flags, Floats]:
        """Who won [R, E, N, m, G] and what groups paid [R, E, G]; auctions are held again until none pays too much."""
        mine = group[..., None] == np.arange(self.agents)  # [R, E, N, m, G]
        while True:
            winner, price, sold = one_place(bids, self.config.reserve, noise)
            won = (np.arange(bids.shape[-1]) == winner[..., None]) & sold[..., None]  # [R, E, N, m]
            of_group = won[..., None] & mine
            running = np.cumsum((price[..., None, None] * of_group).sum(axis=-2), axis=-2)  # [R, E, N, G]
            over = running > self._left[..., None, :] + 1e-9
            if not over.any():
                return of_group, running[..., -1, :]
            bids = np.where((over[..., None, :] & mine).any(axis=-1), 0.0, bids)

    def _view(self) -> View:
        """After the last step the view is that of the end: nothing is left to see, and nobody asks for it."""
        now = min(self._step, self.steps - 1)
        time = np.full(self._left.shape, 1 - self._step / self.steps)
        share = np.divide(self._left, self.budget, out=np.zeros_like(self._left), where=self.budget > 0)
        affordable = np.where(share > 1e-6, self.grid[-1], 0.0)
        return View(seen=np.stack([share, self._mean[now] / self.usual, time], axis=-1), affordable=affordable)
