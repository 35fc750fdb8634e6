"""Turns: tables of samples -> this process's part of every batch, encoded.

A process reads whole blocks and encodes only its own rows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from adcascade.features import Encoder
from adcascade.learning.distributed.sampling import Position, Rows, Visit, part, visits
from adcascade.learning.distributed.world import World
from adcascade.learning.labelled import Labelled, known, labelled, weights
from adcascade.learning.loop import Training

Tables = Callable[[int], Iterable[pa.Table]]  # of an epoch, from its k-th on


class Turn(NamedTuple):
    """One batch, as one process sees it."""

    samples: Labelled  # its part
    share: float  # its part's share of the batch's weight
    rows: int  # of the whole batch
    after: Position


class Turns:
    """Iterate from a position: `turns(start)`. Rows without a label are left out."""

    def __init__(
        self, encoder: Encoder, tables: Tables, training: Training, world: World, *, label: str = "click"
    ) -> None:
        self.encoder, self.training, self.world, self.label = encoder, training, world, label
        self._tables = tables

    def __call__(self, start: Position | None = None) -> Iterator[Turn]:
        """Every batch from `start` on, of all epochs."""
        for visit in visits(self._known, epochs=self.training.epochs, seed=self.training.seed, start=start):
            yield from self._turns(visit)

    def _known(self, first: int) -> Iterator[pa.Table]:
        for table in self._tables(first):
            yield known(table, self.label)

    def _turns(self, visit: Visit[pa.Table]) -> Iterator[Turn]:
        """The turns of one block."""
        batches = list(visit.batches(self.training.batch_size))
        mine = [self._mine(rows) for _, rows in batches]
        if not mine:
            return
        encoded = labelled(self.encoder, visit.block.take(pa.array(np.concatenate(mine))), label=self.label)
        weight, stop = weights(visit.block), 0
        for (after, rows), own in zip(batches, mine, strict=True):
            start, stop = stop, stop + len(own)
            samples, whole = encoded.take(slice(start, stop)), float(weight[rows].sum())
            if self._idle(rows):
                samples = replace(samples, weight=np.zeros_like(samples.weight))
            yield Turn(samples, float(samples.weight.sum()) / whole if whole else 0.0, len(rows), after)

    def _mine(self, rows: Rows) -> Rows:
        """This process's rows of a batch; where it is too small for all, the first one, to be weighted by zero."""
        return rows[:1] if self._idle(rows) else rows[part(len(rows), self.world.rank, self.world.size)]

    def _idle(self, rows: Sequence[int] | Rows) -> bool:
        """Whether the batch has no row for this process: it takes its turn all the same, for the others wait for it."""
        own = part(len(rows), self.world.rank, self.world.size)
        return bool(own.start == own.stop)
