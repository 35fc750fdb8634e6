"""Episode replay: the last episodes of every run, from which single steps are drawn for learning.

The networks have no memory, so a step is drawn alone and not with its whole episode as in the paper: the same mean,
less correlation. What bidders and bars saw is kept once, what they did and earned for each.

Letters in shapes: R runs, C episodes kept, E of one round, T steps, n agents, B samples.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Role = Literal["bid", "bar"]
SEEN = 3  # share of the budget left, value, share of the time left


class Batch(NamedTuple):
    """B steps of each of some runs."""

    seen: Singles  # [R, B, n, 3]
    action: Ints  # [R, B, n]
    reward: Singles  # [R, B, n]
    seen_after: Singles  # [R, B, n, 3]
    affordable_after: Singles  # [R, B, n] no higher bid may follow
    going_on: Singles  # [R, B] 0 after the last step


class Episodes:
    """The last C episodes of R runs; C is a multiple of the episodes of a round."""

    def __init__(self, runs: int, capacity: int, steps: int, agents: int) -> None:
        shape = (runs, capacity, steps, agents)
        self.capacity, self.steps, self.held, self._next = capacity, steps, 0, 0
        self._seen = np.zeros((runs, capacity, steps + 1, agents, SEEN), np.float32)
        self._affordable = np.zeros((runs, capacity, steps + 1, agents), np.float32)
        self._action = {role: np.zeros(shape, np.int16) for role in ("bid", "bar")}
        self._reward = {role: np.zeros(shape, np.float32) for role in ("bid", "bar")}

    def add(self, seen: Floats, affordable: Floats) -> slice:
        """Keep what was seen before every step and at the end, [R, E, T + 1, n(, 3)]; where these episodes lie."""
        count = seen.shape[1]
        at = slice(self._next, self._next + count)
        self._seen[:, at], self._affordable[:, at] = seen, affordable
        self._next = (self._next + count) % self.capacity
        self.held = min(self.held + count, self.capacity)
        return at

    def tell(self, role: Role, run: int, at: slice, action: Ints, reward: Floats) -> None:
        """What a role did and earned in these episodes of a run, [E, T, n] each."""
        self._action[role][run, at], self._reward[role][run, at] = action, reward

    def sample(self, role: Role, runs: Sequence[int], randoms: Sequence[np.random.Generator], size: int) -> Batch:
        """`size` steps of each of these runs, each by its own generator, with replacement."""
        drawn = np.stack([randoms[run].random((2, size)) for run in runs])  # [R, 2, B]
        at = (drawn[:, 0] * self.held).astype(np.int64)
        step = (drawn[:, 1] * self.steps).astype(np.int64)
        run = np.asarray(runs)[:, None]
        return Batch(
            seen=self._seen[run, at, step],
            action=self._action[role][run, at, step].astype(np.int64),
            reward=self._reward[role][run, at, step],
            seen_after=self._seen[run, at, step + 1],
            affordable_after=self._affordable[run, at, step + 1],
            going_on=(step + 1 < self.steps).astype(np.float32),
        )
