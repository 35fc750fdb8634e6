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


class Work(msgspec.Struct, kw_only=True, eq=False):  # built once an event: a Struct is the quickest
    """What one caller submitted: rows with their bookings, or an action inside the transaction.

    Whoever waits does so on `future` (any thread) or on `loop_future` (a coroutine of `loop`); nobody may.
    """

    rows: Sequence[Row] = ()
    records: Sequence[Record] = ()
    bookings: Sequence[Booking | None] | None = None
    action: Callable[[sqlite3.Connection], object] | None = None
    single: bool = False  # the answer is one receipt, not a list
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
        answers = []
        start = 0
        for work in batch:
            stop = start + len(work.rows)
            answers.append(_perform(connection, work, None if new is None else new[start:stop]))
            start = stop
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return answers


def _perform(connection: sqlite3.Connection, work: Work, new: list[bool] | None) -> object:
    """Do what goes with the work's rows, which are in; its answer."""
    if work.action is not None:
        return _act(connection, work.action)
    if work.single:
        if new is not None and not new[0]:
            return DUPLICATE
        booking = work.bookings[0] if work.bookings else None
        return ACCEPTED if booking is None else booking.book(connection, work.records[0])
    return _receipts(connection, work, new)


def _receipts(connection: sqlite3.Connection, work: Work, new: list[bool] | None) -> list[Receipt]:
    """One receipt a row, bookings done where the row was new."""
    receipts = [ACCEPTED] * len(work.rows) if new is None else [ACCEPTED if is_new else DUPLICATE for is_new in new]
    for place, booking in enumerate(work.bookings or ()):
        if booking is not None and receipts[place] is ACCEPTED:
            receipts[place] = booking.book(connection, work.records[place])
    return receipts


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
