"""One group commit: many submissions, one transaction, and then the answer to everybody who waits."""

import sqlite3
from asyncio import AbstractEventLoop
from asyncio import Future as LoopFuture
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import msgspec

from adcascade.events.receipt import ACCEPTED, DUPLICATE, Booking, Receipt
from adcascade.events.records import Record
from adcascade.events.table import Row, insert

_WORDS = (DUPLICATE, ACCEPTED)  # of a row that was not new, and of one that was


class Work(msgspec.Struct, kw_only=True, eq=False):  # built once an event: a Struct is the quickest
    """What one caller submitted: rows with their bookings, or an action inside the transaction.

    Whoever waits does so on `future` (any thread) or on `loop_future` (a coroutine of `loop`); nobody may.
    """

    rows: list[Row] = []
    records: Sequence[Record] = ()
    bookings: Sequence[Booking | None] | None = None
    action: Callable[[sqlite3.Connection], object] | None = None
    single: bool = False  # the answer is one receipt, not a list
    posted: bool = False  # nobody waits and nothing is booked: what is posted next may be added
    future: "Future[object] | None" = None
    loop: AbstractEventLoop | None = None
    loop_future: "LoopFuture[object] | None" = None


def commit(connection: sqlite3.Connection, batch: Sequence[Work]) -> list[object]:
    """Write the batch in one transaction; the answer to each work once all is on disk.

    Raises whatever the database raises, after undoing everything. An action that fails on its own account
    is undone alone, and its answer is the exception.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        count = sum(len(work.rows) for work in batch)
        new = insert(connection, (row for work in batch for row in work.rows), count) if count else None
        answers = _perform(connection, batch, new)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return answers


def _perform(connection: sqlite3.Connection, batch: Sequence[Work], new: Sequence[bool] | None) -> list[object]:
    """Do what goes with the rows, which are in, and the actions, all in their order; the answers.

    Bookings gather until an action comes or the batch ends, and are then written together.
    """
    answers: list[object] = []
    gathered = Gathered(connection)
    start = 0
    for work in batch:
        if work.action is not None:
            gathered.write()
            answers.append(_act(connection, work.action))
            continue
        stop = start + len(work.rows)
        if new is None and work.bookings is None:
            answers.append(ACCEPTED if work.single else [ACCEPTED] * len(work.rows))
        else:
            receipts = [ACCEPTED] * len(work.rows) if new is None else [_WORDS[is_new] for is_new in new[start:stop]]
            gathered.add(work, receipts)
            answers.append(receipts)
        start = stop
    gathered.write()
    return [
        answer[0] if work.single and isinstance(answer, list) else answer
        for work, answer in zip(batch, answers, strict=True)
    ]


class Gathered:
    """Bookings of new rows that wait to be written together, by their type."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._due: dict[type[Booking], tuple[list[tuple[Booking, Record]], list[tuple[list[Receipt], int]]]] = {}

    def add(self, work: Work, receipts: list[Receipt]) -> None:
        """Remember the work's bookings whose rows are new, and where their receipts go."""
        for place, booking in enumerate(work.bookings or ()):
            if booking is not None and receipts[place] is ACCEPTED:
                due, places = self._due.setdefault(type(booking), ([], []))
                due.append((booking, work.records[place]))
                places.append((receipts, place))

    def write(self) -> None:
        """Write them, and put their receipts where they go."""
        for kind, (due, places) in self._due.items():
            for (receipts, place), receipt in zip(places, kind.book_all(self._connection, due), strict=True):
                receipts[place] = receipt
        self._due = {}


def _act(connection: sqlite3.Connection, action: Callable[[sqlite3.Connection], object]) -> object:
    """The action's result, or the exception it raised after its own writes were undone."""
    connection.execute("SAVEPOINT action")
    try:
        result = action(connection)
    except sqlite3.OperationalError:
        raise  # the disk or the file: all of the batch fails
    except Exception as error:  # noqa: BLE001  delivered to the one who submitted the action
        connection.execute("ROLLBACK TO action")
        result = error
    connection.execute("RELEASE action")
    return result


def deliver(batch: Sequence[Work], answers: Sequence[object]) -> None:
    """Hand every waiter its answer; an exception is raised where it waits. One wake-up per event loop."""
    by_loop: dict[AbstractEventLoop, list[tuple[LoopFuture[object], object]]] = {}
    for work, answer in zip(batch, answers, strict=True):
        if work.future is not None:
            _settle(work.future, answer)
        elif work.loop is not None and work.loop_future is not None:
            by_loop.setdefault(work.loop, []).append((work.loop_future, answer))
    for loop, waiters in by_loop.items():
        if not loop.is_closed():  # a closed loop has nobody left who waits
            loop.call_soon_threadsafe(_settle_all, waiters)


def _settle(future: "Future[object]", answer: object) -> None:
    if future.set_running_or_notify_cancel():
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _settle_all(waiters: "list[tuple[LoopFuture[object], object]]") -> None:
    for future, answer in waiters:
        if future.done():  # cancelled
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
