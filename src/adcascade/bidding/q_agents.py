"""Independent Q-learning for n agents that share a network, in R runs at once: bidders and bars are both of this kind.

    y_i = r_i + gamma * Q'(o_i', argmax_b Q(o_i', b))        loss = mean (y_i - Q(o_i, b_i))^2        b affordable

Agents know each other apart by a one-hot number behind the observation.

Letters in shapes: R runs, E episodes, B samples, n agents, K levels.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adcascade.bidding.episodes import SEEN, Batch
from adcascade.bidding.policy import allowed
from adcascade.bidding.q_networks import QNetworks, clip_per_run, td_target

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class QConfig:
    """The paper has three hidden layers of 64 and RMSprop at 5e-4 over ten times as many steps."""

    hidden: tuple[int, ...] = (48, 48)
    rate: float = 3e-3  # of Adam, at the beginning; it falls linearly to a tenth
    discount: float = 0.99  # gamma
    largest_gradient: float = 10.0  # norm, per run


class QAgents:
    """R networks, one a seed, each for n agents."""

    def __init__(self, seeds: list[int], agents: int, grid: Floats, config: QConfig) -> None:
        widths = (SEEN + agents, *config.hidden, len(grid))
        self.grid, self.config = grid, config
        self.network, self.target = QNetworks(widths, seeds), QNetworks(widths, seeds)
        self._optimiser = torch.optim.Adam(self.network.parameters(), lr=config.rate)
        self._number = torch.eye(agents)

    def _input(self, seen: NDArray[np.floating]) -> Tensor:
        """[R, B, n, 3] -> [R, B n, 3 + n]."""
        x = torch.as_tensor(seen, dtype=torch.float32)
        numbered = torch.cat([x, self._number.expand(*x.shape[:-1], -1)], dim=-1)
        return numbered.flatten(1, 2)

    @torch.no_grad()
    def choose(self, seen: Floats, affordable: Floats, explore: float, luck: Floats | None = None) -> Ints:
        """Levels [R, E, n]: the best affordable one, or with probability `explore` any; luck [R, E, n, 2] uniform."""
        value = self.network(self._input(seen)).numpy().reshape(*affordable.shape, -1)
        may = allowed(self.grid, affordable)
        best: Ints = np.where(may, value, -np.inf).argmax(axis=-1)
        if luck is None:
            return best
        anyone = (luck[..., 1] * may.sum(axis=-1)).astype(np.int64)  # the affordable ones are the lowest
        return np.where(luck[..., 0] < explore, anyone, best)

    def learn(self, batch: Batch, left: float) -> None:
        """One gradient step; `left` is the share of the learning that is to come."""
        shape = (*batch.action.shape, len(self.grid))
        seen, after = self._input(batch.seen), self._input(batch.seen_after)
        with torch.no_grad():
            wanted = td_target(
                torch.from_numpy(batch.reward),
                self.network(after).reshape(shape),
                self.target(after).reshape(shape),
                torch.from_numpy(allowed(self.grid, batch.affordable_after)),
                going_on=torch.from_numpy(batch.going_on)[..., None],
                discount=self.config.discount,
            )
        value = self.network(seen).reshape(shape).gather(-1, torch.from_numpy(batch.action)[..., None]).squeeze(-1)
        loss = (value - wanted).square().mean(dim=(1, 2)).sum()  # a sum over runs: none feels the others
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        clip_per_run(list(self.network.parameters()), self.config.largest_gradient)
        self._optimiser.param_groups[0]["lr"] = self.config.rate * (0.1 + 0.9 * left)
        self._optimiser.step()

    def copy(self) -> None:
        """The target network becomes the learning one."""
        self.target.load_state_dict(self.network.state_dict())
