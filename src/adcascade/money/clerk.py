"""A clerk: one thread that speaks to a ledger on another machine, for all who have something to book there.

What is ordered while it speaks is carried out together in its next round, so that the busier it is the more one round
trip and one sync of the disk do (group commit). Where the ledger cannot be reached, everybody who waits is told at
once (StoreError) and nobody new waits for a dead line: until the line stands again orders are refused, and the clerk
alone tries it, after pauses that grow.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, Protocol, TypeVar

from adcascade.errors import InternalError, StoreError

A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)

PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)  # between two tries of the line; the last one over and over
ROUND = 512  # orders of one round


class Line(Protocol[A_contra]):
    """An open connection to the ledger. Any failure of the line itself is raised as StoreError by `perform`."""

    def perform(self, actions: Sequence[A_contra]) -> list[object]:
        """The answer to each, durable when it returns; an exception is the answer of the action that failed."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class Clerk(Generic[A]):
    """Carries out actions in the order they came; any thread may order. name: of the ledger, for messages."""

    def __init__(self, name: str, dial: Callable[[], Line[A]]) -> None:
        """dial opens the line, or raises StoreError where nobody answers; the first call is made here and now."""
        self.name = name
        self._dial = dial
        self._line: Line[A] | None = dial()
        self._changed = threading.Condition()
        self._queue: list[tuple[A, Future[object]]] = []
        self._closing = False
        self._trouble: StoreError | None = None
        self._tries = 0
        self._thread = threading.Thread(target=self._run, name=f"books {name}", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why the ledger cannot be reached; "" while it can."""
        return "" if self._trouble is None else str(self._trouble)

    def order(self, action: A) -> "Future[Any]":
        """Have it done. The future raises StoreError while the ledger is out of reach: ask again later.

        An order whose line broke may have been carried out all the same: repeat only what may be done twice.
        """
        future: Future[object] = Future()
        with self._changed:
            if self._closing:
                raise StoreError(f"the books at {self.name} are closed")
            if self._trouble is not None:
                future.set_exception(self._refusal())
            else:
                self._queue.append((action, future))
                self._changed.notify()
        return future

    def close(self) -> None:
        """Carry out what waits, then hang up. Closing twice is allowed."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            if batch:
                self._carry_out(batch)
            else:
                self._redial()
        if self._line is not None:
            self._line.close()

    def _next(self) -> list[tuple[A, "Future[object]"]] | None:
        """The next round; empty: try the line; None: the end."""
        with self._changed:
            if self._trouble is not None and not self._closing:
                self._changed.wait(PAUSES_S[min(self._tries, len(PAUSES_S) - 1)])
            while not self._queue and not self._closing and self._trouble is None:
                self._changed.wait()
            if self._closing and (self._trouble is not None or not self._queue):
                return None
            batch, self._queue = self._queue[:ROUND], self._queue[ROUND:]
            return batch

    def _carry_out(self, batch: Sequence[tuple[A, "Future[object]"]]) -> None:
        answers: Sequence[object]
        try:
            line = self._line = self._line or self._dial()
            answers = line.perform([action for action, _ in batch])
        except StoreError as error:
            answers = [error] * len(batch)
            self._hang_up(error)
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised where somebody waits
            broken = InternalError(f"an order failed inside the books at {self.name}: {error!r}")
            broken.__cause__ = error
            answers = [broken] * len(batch)
            self._hang_up(StoreError(str(broken)))
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.set_running_or_notify_cancel():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _hang_up(self, error: StoreError) -> None:
        """The line is broken: who waits behind is told as well."""
        if self._line is not None:
            self._line.close()
            self._line = None
        with self._changed:
            self._trouble, self._tries = error, 0
            waiting, self._queue = self._queue, []
        for _, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(self._refusal())

    def _redial(self) -> None:
        try:
            line = self._dial()
        except StoreError as error:
            self._trouble = error
            self._tries += 1
            return
        self._line = line
        with self._changed:
            self._trouble = None

    def _refusal(self) -> StoreError:
        return StoreError(f"the books at {self.name} cannot be reached: {self._trouble}; ask again later")
