"""The durable event log: one SQLite file, one writer thread, group commit.

Whoever submits a record gets a receipt only after the record is on disk (WAL, synchronous=FULL). Submissions
of about 10 ms share one transaction, and with it one fsync; who blocks on the answer (`append`, `transact`) is
served at once. An id is taken once per kind for as long as it is known. Several processes may open the same file:
they write in turns (turn.py).
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from adcascade.errors import InternalError, StoreError
from adcascade.events.commit import Work, commit, deliver
from adcascade.events.read import read_records
from adcascade.events.receipt import Booking, Receipt
from adcascade.events.records import Record
from adcascade.events.table import SCHEMA, connect, to_row
from adcascade.events.turn import Turn

__all__ = ["Journal", "Receipt"]

T = TypeVar("T")

CHECKPOINT_BYTES = 4 << 20  # of payload between two checkpoints of the WAL
LONG_WAL = 8192  # pages of a WAL that has not found an end by itself
PROBE_S = 1.0  # how often an unhealthy journal tries to write


class Journal:
    """The log in the file at `path`, created where it is absent.

    commit_every_ms: how long a busy journal gathers submissions; max_waiting: records that may wait for the disk
    before `submit` refuses. Every method may be called from any thread. `close` it, or use it in a `with`.
    """

    def __init__(self, path: Path | str, *, commit_every_ms: float = 10, max_waiting: int = 200_000) -> None:
        self.path = Path(path)
        self.lost = 0  # records that nobody waited for and that the disk refused
        self._every_s = commit_every_ms / 1000
        self._max_waiting = max_waiting
        self._connection = connect(self.path)
        self._turn = Turn(self.path)
        self._reader = connect(self.path, reading=True)
        self._reader_lock = threading.Lock()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue: list[Work] = []
        self._waiting = 0  # records in the queue
        self._urgent = False
        self._closing = False
        self._trouble: Exception | None = None
        self._unchecked = CHECKPOINT_BYTES  # bytes since the last checkpoint: who was killed here before has left some
        self._thread = threading.Thread(target=self._run, name=f"journal {self.path.name}", daemon=True)
        self._thread.start()
        try:
            self.transact(lambda connection: _create(connection, SCHEMA)).result()
        except StoreError:
            self.close()
            raise

    @property
    def healthy(self) -> bool:
        """Whether the last commit reached the disk. An unhealthy journal keeps trying by itself."""
        return self._trouble is None

    @property
    def trouble(self) -> str:
        """What the disk said last, "" when healthy."""
        return "" if self._trouble is None else str(self._trouble)

    @property
    def waiting(self) -> int:
        """Records that wait for the disk."""
        return self._waiting

    @property
    def last_seq(self) -> int:
        """Number of the newest record on disk, 0 for an empty log."""
        return int(self.query("SELECT coalesce(max(seq), 0) FROM records")[0][0])

    def submit(self, record: Record, charge: Booking | None = None) -> "Future[Receipt]":
        """Hand over a record, and what is to be charged with it; the receipt comes when both are on disk.

        Raises InputError for a record that cannot be stored, StoreError when too many wait. The future raises
        StoreError when the disk refuses: then nothing of it was written.
        """
        future: Future[Receipt] = Future()
        self._enqueue(_single(record, charge, future=cast("Future[object]", future)))
        return future

    def submit_many(
        self, records: Sequence[Record], charges: Sequence[Booking | None] | None = None
    ) -> "Future[list[Receipt]]":
        """As `submit` for several records with one future; `charges` is as long as `records`."""
        future: Future[list[Receipt]] = Future()
        rows = [to_row(record) for record in records]
        self._enqueue(Work(rows=rows, records=records, bookings=charges, future=cast("Future[object]", future)))
        return future

    def post(self, record: Record) -> None:
        """Hand over a record and wait for nothing: an AuctionRecord on the request path.

        Raises StoreError when too many wait; what the disk refuses later is counted in `lost`.
        """
        self._enqueue(Work(rows=[to_row(record)], posted=True))

    async def accept(self, record: Record, charge: Booking | None = None) -> Receipt:
        """As `submit`, awaited in the running event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        work = _single(record, charge)
        work.loop, work.loop_future = loop, future
        self._enqueue(work)
        return cast("Receipt", await future)

    async def accept_many(
        self, records: Sequence[Record], charges: Sequence[Booking | None] | None = None
    ) -> list[Receipt]:
        """As `submit_many`, awaited in the running event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        rows = [to_row(record) for record in records]
        self._enqueue(Work(rows=rows, records=records, bookings=charges, loop=loop, loop_future=future))
        return cast("list[Receipt]", await future)

    def append(self, records: Iterable[Record], charges: Sequence[Booking | None] | None = None) -> list[Receipt]:
        """Write the records now and return when they are on disk. Raises StoreError, then nothing was written."""
        records = list(records)
        future: Future[object] = Future()
        rows = [to_row(record) for record in records]
        self._enqueue(Work(rows=rows, records=records, bookings=charges, future=future), urgent=True, wait=True)
        return cast("list[Receipt]", future.result())

    def transact(self, action: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Run `action` inside the next commit: how the ledger writes. Its exception reaches only its own future."""
        future: Future[T] = Future()
        self._enqueue(Work(action=action, future=cast("Future[object]", future)), urgent=True)
        return future

    def flush(self) -> None:
        """Return when everything handed over before is on disk."""
        self.transact(lambda _: None).result()

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of what is committed, read without disturbing the writer."""
        with self._reader_lock:
            try:
                return self._reader.execute(sql, tuple(values)).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"cannot read the journal {self.path}: {error}") from error

    def read(self, after: int = 0, kinds: Iterable[str] | None = None) -> Iterator[tuple[int, Record]]:
        """(seq, record) in order of arrival, sealed ones included, from the first seq above `after`.

        kinds: of those in events/table.py, "auction", "impression" ...; None for all. A constant amount of memory.
        """
        return read_records(self.path, after, kinds)

    def close(self) -> None:
        """Write what waits, then release the file. Closing twice is allowed."""
        with self._changed:
            already, self._closing = self._closing, True
            self._changed.notify_all()
        self._thread.join()
        if not already:
            self._reader.close()
            self._connection.close()
            self._turn.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _enqueue(self, work: Work, *, urgent: bool = False, wait: bool = False) -> None:
        """Queue the work, as part of what was posted just before where it is posted; wait for room or refuse."""
        with self._lock:
            while wait and self._waiting >= self._max_waiting and not self._closing:
                self._changed.wait(0.1)
            if self._closing:
                raise StoreError(f"the journal {self.path} is closed; open it again")
            if self._waiting >= self._max_waiting and work.rows:
                raise StoreError(
                    f"{self._waiting} records wait for the journal {self.path}; submit again once the disk caught up"
                )
            first = not self._queue
            if work.posted and not first and self._queue[-1].posted:
                self._queue[-1].rows.extend(work.rows)
            else:
                self._queue.append(work)
            self._waiting += len(work.rows)
            if urgent or first:
                self._urgent = self._urgent or urgent
                self._changed.notify_all()

    def _run(self) -> None:
        """The writer thread."""
        begun = 0.0
        while True:
            batch = self._gather(begun + self._every_s)
            if batch is None:
                return
            begun = time.monotonic()
            deliver(batch, self._write(batch))
            self._checkpoint()

    def _gather(self, not_before: float) -> list[Work] | None:
        """Everything that waits, once it may be committed; None at the end. Empty: try whether the disk is back."""
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait(None if self._trouble is None else PROBE_S)
                if self._trouble is not None:
                    break
            while not self._urgent and not self._closing and (left := not_before - time.monotonic()) > 0:
                self._changed.wait(left)
            if self._closing and not self._queue:
                return None
            batch, self._queue = self._queue, []
            self._waiting, self._urgent = 0, False
            self._changed.notify_all()  # who waits for room
            return batch

    def _write(self, batch: list[Work]) -> list[object]:
        """The answers to the batch: receipts, or for everybody the same StoreError."""
        try:
            if self._trouble is not None:
                self._recover()
            with self._turn:
                answers = commit(self._connection, batch)
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised where somebody waits
            self._trouble = error
            self.lost += sum(len(work.rows) for work in batch if work.future is None and work.loop is None)
            return [self._refusal(error)] * len(batch)
        self._trouble = None
        self._unchecked += sum(len(row[3]) for work in batch for row in work.rows) + 100 * len(batch)
        return answers

    def _refusal(self, error: Exception) -> Exception:
        if isinstance(error, (sqlite3.Error, StoreError)):
            refusal: Exception = StoreError(
                f"the journal {self.path} could not write: {error}; nothing was accepted. "
                "Free space or mend the disk, then submit again"
            )
        else:
            refusal = InternalError(f"a booking failed inside the journal: {error!r}; nothing was accepted")
        refusal.__cause__ = error
        return refusal

    def _recover(self) -> None:
        """After a failure take a fresh connection and prove that it can write."""
        self._connection.close()
        self._connection = connect(self.path)
        self._connection.execute("PRAGMA user_version = 1")

    def _checkpoint(self) -> None:
        """Move the WAL into the file once it is long, while nobody waits for it."""
        if self._unchecked < CHECKPOINT_BYTES or self._trouble is not None:
            return
        self._unchecked = 0
        try:
            _, pages, _ = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if pages > LONG_WAL:
                self._begin_wal_anew()
        except sqlite3.Error as error:
            self._trouble = error

    def _begin_wal_anew(self) -> None:
        """While several processes write without rest the WAL only grows: have them wait for a moment, once.

        Where somebody reads for longer it stays as it is until the next time.
        """
        with self._turn:
            self._connection.execute("PRAGMA busy_timeout = 50").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            self._connection.execute("PRAGMA busy_timeout = 10000").fetchall()


def _single(record: Record, charge: Booking | None, future: "Future[object] | None" = None) -> Work:
    bookings = None if charge is None else (charge,)
    return Work(rows=[to_row(record)], records=(record,), bookings=bookings, single=True, future=future)


def _create(connection: sqlite3.Connection, schema: str) -> None:
    """Create the tables of `schema` inside the open transaction (executescript would commit it)."""
    for statement in schema.split(";"):
        if statement.strip():
            connection.execute(statement)
