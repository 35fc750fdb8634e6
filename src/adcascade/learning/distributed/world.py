"""World: the processes that train together, and the ways in which they speak to each other.

Every method is collective: all processes call it in the same order, or all wait. Arrays lie in host memory and travel
by gloo, tensors on a GPU by nccl. A world of one process needs no network and copies nothing.

Letters in shapes: N processes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch.distributed import distributed_c10d

MEETING, WORKING = timedelta(seconds=60), timedelta(hours=2)


class World:
    """Process `rank` of `size`; bytes_sent counts what this one has handed to others by `exchange` and `add`."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self.bytes_sent = 0

    @classmethod
    def here(cls) -> "World":
        """The world of the process group that this process has joined."""
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def exchange(self, send: NDArray[Any], counts: Sequence[int], expected: Sequence[int]) -> NDArray[Any]:
        """All to all: rows [sum(counts), ...], the first counts[0] for process 0, ... -> rows [sum(expected), ...].

        expected: how many rows come from each process; they arrive in the order of the processes.
        """
        if self.size == 1:
            return send
        found = np.empty((sum(expected), *send.shape[1:]), send.dtype)
        self.bytes_sent += (len(send) - counts[self.rank]) * (send.nbytes // max(len(send), 1))
        dist.all_to_all_single(
            torch.from_numpy(found), torch.from_numpy(np.ascontiguousarray(send)), list(expected), list(counts)
        )
        return found

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """[N] how many rows this process will send to each -> [N] how many it gets from each."""
        return self.exchange(counts, [1] * self.size, [1] * self.size)

    def add(self, flat: Tensor) -> None:
        """Replace a tensor by its sum over all processes, the same bits in each."""
        if self.size > 1:
            # a ring sends every element but the own share twice: once to be summed, once summed
            self.bytes_sent += round(2 * flat.nbytes * (self.size - 1) / self.size)
            dist.all_reduce(flat)

    def agreed(self, value: Any) -> Any:
        """What the first process says, for all."""
        told = [value]
        if self.size > 1:
            dist.broadcast_object_list(told)
        return told[0]

    def all_of(self, value: Any) -> list[Any]:
        """What every process says, in the order of the processes."""
        told: list[Any] = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(told, value)
        return told

    def wait(self) -> None:
        """Until all are here."""
        self.all_of(None)


def backend() -> str:
    """gloo for what lies in host memory, nccl beside it where there are GPUs."""
    return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"


@contextmanager
def joined() -> Iterator[World]:
    """Join the process group that the launcher's environment names (RANK, WORLD_SIZE, MASTER_ADDR), and leave it.

    Who finds no other in time fails, and is started again by the launcher with the others: one of them may have died
    while they met. Later calls wait longer, for some work is done by one process alone.
    """
    dist.init_process_group(backend(), timeout=MEETING)
    distributed_c10d._set_pg_timeout(WORKING, dist.group.WORLD)  # noqa: SLF001  there is no public way
    try:
        yield World.here()
    finally:
        dist.destroy_process_group()
