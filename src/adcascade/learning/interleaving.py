"""Interleaving: the next batches are read, encoded, shuffled and looked up while the dense part of this one runs.

PICASSO's D-interleaving (arXiv 2204.04903) with two threads beside the trainer's, both fed by iterators:

    blocks     read and encoded, one ahead
    batches    cut from the blocks, their rows looked up, `ahead` of them

The result is that of training without: a row which is learned after it was looked up for a later batch is looked up
again when that batch's turn comes. Every step leaves its number at the rows that it touches (`stamp`), and every
look-up knows how many steps had ended when it began, so one pass over the ids of a batch finds the stale ones.

Letters in shapes: n ids of a batch, K width, R rows.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from adcascade.contracts import Batch
from adcascade.learning.labelled import Labelled
from adcascade.learning.producer import Producer
from adcascade.learning.rows import rows_of
from adcascade.nn.table import EmbeddingTable, Floats, Ids

Stamps = NDArray[np.int32]
RowsOf = Callable[[Batch], Ids]


class Ahead(NamedTuple):
    """A batch that was looked up before its turn."""

    samples: Labelled
    ids: Ids  # [n]
    leaf: Tensor  # [n, K]
    steps: int  # that had ended when the look-up began


class LookedUpAhead:
    """Keeps `EmbeddingTable`: the table beneath, but `gather` knows the batch whose turn it is (`turn`) already."""

    def __init__(self, table: EmbeddingTable) -> None:
        self.table = table
        self.turn: Ahead | None = None
        self.patched = 0  # rows that were looked up again
        self._stamp: Stamps = np.zeros(table.rows, np.int32)
        self._steps = 0

    @property
    def width(self) -> int:
        """K."""
        return self.table.width

    @property
    def rows(self) -> int:
        """R."""
        return self.table.rows

    def ahead(self, samples: Labelled, rows: RowsOf = rows_of) -> Ahead:
        """Look the rows of a later batch up; another thread may train meanwhile."""
        steps, ids = self._steps, rows(samples.batch)
        return Ahead(samples, ids, self.table.gather(ids), steps)

    def gather(self, ids: Ids) -> Tensor:
        """The rows of `ids`, any shape [...] -> a leaf [..., K]: what was looked up ahead, as it is now."""
        turn, self.turn = self.turn, None
        if turn is None or not np.array_equal(turn.ids, ids):
            return self.table.gather(ids)
        flat = ids.ravel()
        places = _stale(flat, self._stamp, turn.steps)
        _put(turn.leaf.detach().numpy().reshape(-1, self.width), places, self.table.look_up(flat[places]))
        self.patched += len(places)
        return turn.leaf

    def update(self, ids: Ids, gradient: Tensor | None, *, share: float = 1.0) -> None:
        """One step of the table beneath, which is remembered at the rows."""
        self.table.update(ids, gradient, share=share)
        _mark(ids.ravel(), self._stamp, self._steps + 1)
        self._steps += 1  # not before the rows are written: who reads from now on reads the new ones

    def look_up(self, ids: Ids) -> Floats:
        """The rows of `ids`, any shape [...] -> [..., K]."""
        return self.table.look_up(ids)

    def save(self, file: str) -> None:
        """Of the table beneath."""
        self.table.save(file)

    def state_dict(self) -> dict[str, Floats]:
        """Of the table beneath."""
        return self.table.state_dict()

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        """Of the table beneath; never while batches are looked up ahead."""
        self.table.load_state_dict(state)


class Interleaving:
    """What `fit` trains with: `table`, and batches that are prepared `ahead`; 0 for no thread at all.

    Leaving the `with` block ends the threads, whatever ended the training.
    """

    def __init__(self, table: EmbeddingTable, ahead: int) -> None:
        self._ahead = ahead
        self._looked = LookedUpAhead(table) if ahead else None
        self.table: EmbeddingTable = self._looked or table
        self._producers: list[Producer[Labelled] | Producer[Ahead]] = []

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the threads, and wait for their end."""
        for producer in self._producers:
            producer.stop()
        for producer in self._producers:
            producer.join()

    def blocks(self, blocks: Iterable[Labelled]) -> Iterable[Labelled]:
        """The blocks of an epoch, one of them read and encoded ahead."""
        if self._looked is None:
            return blocks
        producer = Producer(iter(blocks), name="blocks ahead")
        self._producers.append(producer)
        return producer

    def batches(self, batches: Iterator[Labelled], rows: RowsOf = rows_of) -> Iterator[Labelled]:
        """The batches of an epoch, looked up ahead; each must be learned from before the next is asked for.

        rows: the ids that learning from a batch will gather.
        """
        if self._looked is None:
            yield from batches
            return
        look_up = partial(self._looked.ahead, rows=rows)
        producer = Producer(map(look_up, batches), ahead=self._ahead, name="batches ahead")
        self._producers.append(producer)
        for turn in producer:
            self._looked.turn = turn
            yield turn.samples


@njit(cache=True, nogil=True)
def _stale(ids: Ids, stamp: Stamps, steps: int) -> Ids:
    """The places of ids whose row was touched after so many steps."""
    places = np.empty(len(ids), np.int64)
    n = 0
    for i in range(len(ids)):
        if stamp[ids[i]] > steps:
            places[n] = i
            n += 1
    return places[:n]


@njit(cache=True, nogil=True)
def _put(found: Floats, places: Ids, rows: Floats) -> None:
    """found[places] = rows, [n, K] and [m, K]."""
    for i in range(len(places)):
        for k in range(found.shape[1]):
            found[places[i], k] = rows[i, k]


@njit(cache=True, nogil=True)
def _mark(ids: Ids, stamp: Stamps, step: int) -> None:
    """Leave the step's number at its rows."""
    for i in range(len(ids)):
        stamp[ids[i]] = step
