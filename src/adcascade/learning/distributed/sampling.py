"""Sampling: one global order of all samples, whoever learns from them, and a position in it.

An epoch goes through the blocks in their order; within a block the rows are shuffled as `learning.loop.shuffled` does
it, and every `batch_size` of them are a batch. N processes share each batch: process k takes the k-th part. So a batch
is the same set of samples for every N, and a position (epoch, block, batch) is all that another number of processes
needs to go on. The generator's state at the beginning of the block belongs to the position: the order of a block
depends on the lengths of all before it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
B = TypeVar("B", bound=Sized)


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The next batch to learn from. random: the generator's state at the beginning of the block; "": as seeded."""

    epoch: int = 0
    block: int = 0
    batch: int = 0
    random: str = ""


class Visit(NamedTuple, Generic[B]):
    """A block, the order of its rows [n], and the position to begin at."""

    at: Position
    block: B
    order: Rows

    def batches(self, batch_size: int) -> Iterator[tuple[Position, Rows]]:
        """Each batch that is still to come: the position after it, and the places of its rows in the block."""
        for start in range(self.at.batch * batch_size, len(self.order), batch_size):
            after = msgspec.structs.replace(self.at, batch=start // batch_size + 1)
            yield after, self.order[start : start + batch_size]


def visits(
    blocks: Callable[[int], Iterable[B]], *, epochs: int, seed: int, start: Position | None = None
) -> Iterator[Visit[B]]:
    """All blocks from a position on, in order; `blocks(k)` gives those of an epoch from its k-th on."""
    start = start or Position()
    random = generator(start, seed)
    for epoch in range(start.epoch, epochs):
        first, batch = (start.block, start.batch) if epoch == start.epoch else (0, 0)
        for number, block in enumerate(blocks(first), first):
            at = Position(epoch=epoch, block=number, batch=batch, random=json.dumps(random.bit_generator.state))
            yield Visit(at, block, random.permutation(len(block)))
            batch = 0


def generator(position: Position, seed: int) -> np.random.Generator:
    """As it stood at the beginning of the position's block."""
    random = np.random.default_rng(seed)
    if position.random:
        random.bit_generator.state = json.loads(position.random)
    return random


def part(rows: int, rank: int, size: int) -> slice:
    """Which of the rows of a batch process `rank` of `size` takes: parts differ by one row at most.

    >>> [part(10, rank, 4) for rank in range(4)]
    [slice(0, 2, None), slice(2, 5, None), slice(5, 7, None), slice(7, 10, None)]
    """
    return slice(rows * rank // size, rows * (rank + 1) // size)
