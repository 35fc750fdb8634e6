"""Data-augmentation service: between an impression and its label, a teacher scores it once for every student.

    ask(student, impressions) --> queue --> worker: what is not scored yet --> teacher --> supervision store

`ask` returns at once, with a Future of how many impressions the teacher had to score; whoever needs the answers reads
the store. One worker takes the requests in turn, so two students who ask for the same impression cost one call. At most
`max_waiting` requests wait: then `ask` blocks, which slows the reader of the log down and not the teacher.

A teacher is an immutable snapshot. `swap` replaces it in one assignment; a request is scored by the snapshot of the
moment at which it was asked. The teacher is shown no label, and nothing from before the end of its own data.
Letters in shapes: n impressions.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.events.sample_types import RESERVED
from adcascade.learning.supervision import IMPRESSION, SupervisionStore

OUTCOMES = tuple(name for name in RESERVED if name.startswith(("click", "conversion")))


class Teacher(Protocol):
    """A snapshot of a large model. `trained_until_us`: the end of the data that it has learned from."""

    @property
    def version(self) -> str:
        """Unique for life."""

    @property
    def trained_until_us(self) -> int:
        """Microseconds UTC; impressions from then on may be scored."""

    def __call__(self, impressions: pa.Table) -> NDArray[np.floating]:
        """Click probabilities [n] of n rows that carry no outcome."""


class AugmentationService:
    """Use it in a `with`, or `close` it: that waits for what was asked.

    clock_us: stamps the predictions; batch_rows: most impressions of one call of the teacher.
    """

    def __init__(
        self,
        store: SupervisionStore,
        teacher: Teacher,
        *,
        clock_us: Callable[[], int],
        batch_rows: int = 8192,
        max_waiting: int = 16,
    ) -> None:
        self._store, self._clock_us, self._batch_rows = store, clock_us, batch_rows
        self._room = threading.BoundedSemaphore(max_waiting)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="augmentation")
        self.swap(teacher)

    def swap(self, teacher: Teacher) -> None:
        """From the next request on this snapshot scores."""
        self._store.register(teacher.version, teacher.trained_until_us)
        self._teacher = teacher

    def ask(self, student: str, impressions: pa.Table) -> "Future[int]":
        """Hand over rows with `logged_bid`, `time_us` and the teacher's features, in the order of their arrival.

        The future says how many the teacher scored for this request; it raises what the teacher or the store raised.
        """
        self._room.acquire()
        try:
            future = self._worker.submit(self._score, self._teacher, student, impressions)
        except RuntimeError:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return future

    def _score(self, teacher: Teacher, student: str, table: pa.Table) -> int:
        """In the worker: ask the teacher for what it may say and has not said."""
        impressions = table[IMPRESSION].to_pylist()
        self._store.ask(student, impressions)
        new = table["time_us"].to_numpy() >= teacher.trained_until_us
        new &= self._store.unscored(teacher.version, impressions)
        firsts = _firsts(impressions)
        wanted = firsts[new[firsts]]
        blind = table.drop_columns([name for name in OUTCOMES if name in table.column_names])
        return sum(
            self._score_part(teacher, blind.take(wanted[start : start + self._batch_rows]))
            for start in range(0, len(wanted), self._batch_rows)
        )

    def _score_part(self, teacher: Teacher, part: pa.Table) -> int:
        return self._store.put(
            teacher.version,
            part[IMPRESSION].to_pylist(),
            teacher(part),
            part["time_us"].to_numpy(),
            scored_us=self._clock_us(),
        )

    def close(self) -> None:
        """Score what waits, then end the worker."""
        self._worker.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _firsts(impressions: Sequence[str]) -> NDArray[np.int64]:
    """Places of the first row of each impression, in order."""
    return np.sort(np.unique(np.array(impressions, np.str_), return_index=True)[1])
