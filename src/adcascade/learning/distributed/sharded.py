"""ShardedEmbedding: a packed table whose rows are spread over the processes that train together.

Row r lies at process r mod N. A batch's distinct rows are asked of their owners (all to all), come back, and are laid
out; the gradients of equal rows are summed here, sent to the owner, summed over the processes there, and the owner
applies the learning rule once a row. So N processes keep one table, equal to the table of one up to rounding.

`gather`, `update`, `look_up`, `save`, `state_dict` and `load_state_dict` are collective, each with ids of one's own.
Letters in shapes: R rows, K width, N processes, m distinct rows of a batch.
"""

from typing import NamedTuple

import numpy as np
import torch
from numba import njit
from numpy.lib.format import open_memmap
from torch import Tensor

from adcascade.learning.distributed.world import World
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.table import Floats, Ids

BLOCK = 1 << 16  # rows that are drawn or written at a time


class Route(NamedTuple):
    """Who is asked for which rows of one batch."""

    ids: Ids  # the batch's
    places: Ids  # [ids.size] of each id among the m distinct rows, in the order of the owners; m: padding
    counts: list[int]  # [N] rows that are asked of each owner; they sum to m
    asked: list[int]  # [N] rows that each process asks of this one
    wanted: Ids  # [sum(asked)] where they lie here


class ShardedEmbedding:
    """The rows of this process lie in `local`, a packed table whose row 0 is padding: row r at r // N + 1."""

    def __init__(self, rows: int, config: TableConfig, world: World, *, seed: int = 0) -> None:
        self.config, self.world = config, world
        self._rows = rows
        self.local = PackedEmbedding(1 + len(self.owned), config, seed=seed)
        state = self.local.state_dict()
        state["weight"][1:] = self._drawn(seed)
        self.local.load_state_dict(state)
        self._route: Route | None = None

    @property
    def width(self) -> int:
        """K."""
        return self.config.width

    @property
    def rows(self) -> int:
        """R, of all processes together."""
        return self._rows

    @property
    def owned(self) -> range:
        """The rows of this process."""
        return range(self.world.rank, self._rows, self.world.size)

    def gather(self, ids: Ids) -> Tensor:
        """The rows of `ids`, any shape [...] -> a leaf [..., K] whose gradient `update` takes."""
        self._route = self._routed(ids)
        return torch.from_numpy(self._fetched(self._route)).requires_grad_()

    def look_up(self, ids: Ids) -> Floats:
        """The rows of `ids`, any shape [...] -> [..., K], copied."""
        return self._fetched(self._routed(ids))

    def update(self, ids: Ids, gradient: Tensor | None, *, share: float = 1.0) -> None:
        """One step, at `share` of the rate, from the gradient [..., K] of what `gather(ids)` returned.

        A gradient of None changes nothing, and must be None in every process.
        """
        if gradient is None:
            return
        route = self._route if self._route is not None and self._route.ids is ids else self._routed(ids)
        self._route = None
        own = gradient.reshape(-1, self.width).contiguous().cpu().numpy()
        total = summed(route.places, own, sum(route.counts))
        received = self.world.exchange(total, route.counts, route.asked)
        self.local.update(route.wanted, torch.from_numpy(received), share=share)

    def save(self, file: str) -> None:
        """Write all rows as a .npy file of float32 [R, K]: the first process asks for them, block by block."""
        out = open_memmap(file, "w+", np.float32, (self._rows, self.width)) if self.world.first else None
        for first in range(0, self._rows, BLOCK):
            stop = min(first + BLOCK, self._rows)
            block = self.look_up(np.arange(first, stop if self.world.first else first))
            if out is not None:
                out[first:stop] = block
        if out is not None:
            out.flush()
        self.world.wait()

    def shard(self) -> dict[str, Floats]:
        """Copies of the weights and sums of squares of the rows of this process, in the order of `owned`."""
        return {name: values[1:] for name, values in self.local.state_dict().items()}

    def load_shard(self, state: dict[str, Floats]) -> None:
        """Continue from what `shard` gave; ValueError where it is not of these rows."""
        padded = {name: np.concatenate((np.zeros_like(values, shape=(1, *values.shape[1:])), values))
                  for name, values in state.items()}  # fmt: skip
        self.local.load_state_dict(padded)

    def state_dict(self) -> dict[str, Floats]:
        """Copies of the weights [R, K] and sums of squares of all rows, in every process: for tables that fit."""
        found: dict[str, Floats] = {}
        for owner, state in enumerate(self.world.all_of(self.shard())):
            for name, values in state.items():
                whole = found.setdefault(name, np.zeros((self._rows, *values.shape[1:]), np.float32))
                whole[owner :: self.world.size] = values
        return found

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        """Continue from the state of a whole table; ValueError where it has another shape."""
        for name, values in state.items():
            if len(values) != self._rows:
                raise ValueError(f"{name} has {len(values)} rows; expected {self._rows}: load into the same encoder")
        self.load_shard({name: values[self.owned.start :: self.world.size] for name, values in state.items()})

    def _drawn(self, seed: int) -> Floats:
        """The first weights of the own rows: those that PackedEmbedding of all rows begins with."""
        random, scale = np.random.default_rng(seed), np.float32(self.config.init_std)
        parts = [np.empty((0, self.width), np.float32)]
        for first in range(0, self._rows, BLOCK):
            block = random.standard_normal((min(BLOCK, self._rows - first), self.width), np.float32) * scale
            if first == 0:
                block[0] = 0
            parts.append(block[(self.world.rank - first) % self.world.size :: self.world.size])
        return np.concatenate(parts)

    def _routed(self, ids: Ids) -> Route:
        """Find the distinct rows of a batch and tell their owners."""
        size = self.world.size
        rows, inverse = np.unique(ids, return_inverse=True)  # ascending
        padding = int(rows.size > 0 and rows[0] == 0)
        rows = rows[padding:]
        owner = rows % size
        order = np.argsort(owner, kind="stable")
        place = np.empty(len(rows) + padding, np.int64)
        place[padding:][order] = np.arange(len(rows))
        place[:padding] = len(rows)
        counts = np.bincount(owner, minlength=size)
        asked = self.world.counts(counts).tolist()
        wanted = self.world.exchange(rows[order] // size + 1, counts.tolist(), asked)
        return Route(ids, place[inverse.ravel()], counts.tolist(), asked, wanted)

    def _fetched(self, route: Route) -> Floats:
        """Look up what others ask of this process, and lay out what it asked of them."""
        answers = self.world.exchange(self.local.look_up(route.wanted), route.asked, route.counts)  # [m, K]
        found = np.concatenate((answers, np.zeros((1, self.width), np.float32)))  # the last row is padding
        return found[route.places].reshape(*route.ids.shape, self.width)


@njit(cache=True)
def summed(places: Ids, gradients: Floats, rows: int) -> Floats:
    """Gradients [n, K] of places [n] -> their sums [rows, K]; places beyond `rows` are padding."""
    total = np.zeros((rows, gradients.shape[1]), np.float32)
    for i in range(len(places)):
        at = places[i]
        if at < rows:
            for k in range(gradients.shape[1]):
                total[at, k] += gradients[i, k]
    return total
