"""The two-agent game of MAAB (Wen et al., 2022): one auction a step, a budget each, and a choice to collude or compete.

    value      v_i ~ U(0, 1), rescaled so that an episode's mean is 0.5
    auction    the higher bid wins and pays the other one, at least the reserve; a bid below the reserve wins nothing
    budgets    T / 2 in all, agent 1 holds the share r of them

Agents that are paid for the total learn that bids do not matter, and the seller's revenue falls to the reserve;
agents that are paid for themselves bid until the budgets are gone. What lies between is what MAAB is about.

Many games are played beside each other, so that learning is fast. Letters in shapes: R runs, each with its own luck,
E episodes, T steps, n = 2 agents, K levels of a bid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Flags, Floats
from adcascade.market.bidding.game import TIE, Step, View


@dataclass(frozen=True, kw_only=True)
class TwoAgentConfig:
    """Sizes as in the paper's public code."""

    steps: int = 100  # T
    levels: int = 20  # K, equally spaced bids from 0 to 1
    reserve: float = 0.1
    budget_per_step: float = 0.5  # of both together

    @property
    def grid(self) -> Floats:
        """The bids that can be chosen, [K]."""
        return np.linspace(0.0, 1.0, self.levels)


class TwoAgentGame:
    """R x E games in step with each other; `share` [R] is the first agent's part of the budgets."""

    agents = 2

    def __init__(self, config: TwoAgentConfig, share: Floats) -> None:
        self.config = config
        self.grid, self.steps = config.grid, config.steps
        total = config.budget_per_step * config.steps
        self.budget: Floats = total * np.stack([share, 1 - share], axis=1)[:, None]  # [R, 1, 2]

    def reset(self, randoms: Sequence[np.random.Generator], episodes: int) -> View:
        """New episodes, whose luck comes from one generator a run."""
        shape = (self.steps, episodes, self.agents)
        value = np.stack([random.random(shape) for random in randoms], axis=1)  # [T, R, E, 2]
        self._value = value * (0.5 / value.mean(axis=0))
        self._noise = np.stack([TIE * random.random(shape) for random in randoms], axis=1)
        self._left = np.broadcast_to(self.budget, self._value.shape[1:]).copy()
        self._step = 0
        return self._view()

    def step(self, bid: Floats) -> tuple[Step, View]:
        """Hold the auctions of bids [R, E, 2], of which each must be affordable."""
        noisy = bid + self._noise[self._step]
        won: Flags = (noisy > noisy[..., ::-1]) & (bid >= self.config.reserve)
        paid = np.where(won, np.maximum(bid[..., ::-1], self.config.reserve), 0.0)
        gained = np.where(won, self._value[self._step], 0.0)
        self._left = self._left - paid  # a new array: views hold the old one
        self._step += 1
        return Step(bid=noisy, gained=gained, paid=paid), self._view()

    def _view(self) -> View:
        """After the last step the view is that of the end: nothing is left to see, and nobody asks for it."""
        now = min(self._step, self.steps - 1)
        time = np.full(self._left.shape, 1 - self._step / self.steps)
        return View(seen=np.stack([self._left / self.budget, self._value[now], time], axis=-1), affordable=self._left)
