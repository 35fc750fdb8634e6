"""The outbox: how an event on this machine's disk is charged in books that lie elsewhere, once and surely.

    1  the event and the intent to charge it are one transaction of the journal         (from here on nothing is lost)
    2  the books charge, once by the bid's id, the same receipt however often they are asked
    3  the receipt is written beside the event and the intent is gone
    4  the event is acknowledged with its charge

Where the books do not answer within `wait_s`, the event is acknowledged as accepted, "charge pending": it is on disk
and its lease covers it for as long as the grace of leases lasts. `drain` charges what is left: after a
crash of this process, of another process on the same journal, or of the books. A charge that comes when its lease was
closed after the grace is refused and counted as uncollected; it never overspends.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

import msgspec

from adcascade.errors import InternalError, StoreError
from adcascade.events.journal import Journal
from adcascade.events.receipt import ACCEPTED, Booking, Receipt
from adcascade.events.records import Record
from adcascade.events.table import KINDS
from adcascade.money.cashier import PENDING, Charging, Collected
from adcascade.money.charge import Charge

SECOND_US = 1_000_000
MANY = 500  # intents that one round of `drain` asks for
BENIGN = frozenset({"", "already charged", "the bid id has expired"})  # reasons by which no money was lost

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY, since_us INTEGER NOT NULL, charge BLOB NOT NULL)",
    # by the number of the event as well; reason: why less than the price was charged
    "CREATE TABLE IF NOT EXISTS receipts"
    " (seq INTEGER PRIMARY KEY, price INTEGER NOT NULL, micros INTEGER NOT NULL, reason TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS machine (id TEXT PRIMARY KEY)",
    "INSERT INTO machine (id) SELECT lower(hex(randomblob(6))) WHERE NOT EXISTS (SELECT 1 FROM machine)",
)

T = TypeVar("T")
Outcome = list[Receipt] | Exception
Due = Sequence[tuple[int, Charge]]  # number of the event, its charge

INSERT = "INSERT INTO outbox (seq, since_us, charge) SELECT seq, ?, ? FROM records WHERE kind = ? AND id = ?"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Charge).decode


def pending_events(connection: sqlite3.Connection) -> list[int]:
    """Numbers of a journal's events whose charge is still to be asked for, in order."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").fetchone() is None:
        return []
    return [seq for (seq,) in connection.execute("SELECT seq FROM outbox ORDER BY seq")]


class Noted(Receipt, frozen=True, gc=False):
    """A receipt that also says where in the outbox the intent lies, and what it is."""

    seq: int = 0
    intent: Charge | None = None


class Intent(msgspec.Struct, frozen=True, gc=False):
    """What is written with the event instead of the charge itself."""

    charge: Charge
    machine: str

    @staticmethod
    def book_all(connection: sqlite3.Connection, due: "Sequence[tuple[Booking, Record]]") -> list[Receipt]:
        """Put the charges into the outbox, inside the transaction that writes their events."""
        receipts: list[Receipt] = []
        for intent, record in due:
            assert isinstance(intent, Intent)  # noqa: S101  commits hand a booking to its own type
            charge = intent.charge
            if charge.price_micros == 0:
                receipts.append(ACCEPTED)
                continue
            charge = Charge(
                charge.bid_id,
                charge.campaign,
                charge.lease,
                charge.price_micros,
                charge.expires_us,
                record.time_us if charge.now_us is None else charge.now_us,
                f"{intent.machine}/{record.id}",  # another machine may hold an event of the same id
            )
            cursor = connection.execute(INSERT, (charge.now_us, _encode(charge), KINDS[type(record)], record.id))
            receipts.append(Noted("accepted", 0, PENDING.reason, cursor.lastrowid or 0, charge))
        return receipts


class Outbox:
    """Events of one journal, charged in shared books. Any thread may call.

    wait_s: how long an event waits for the books before it is acknowledged as pending.
    """

    def __init__(self, journal: Journal, books: Charging, *, wait_s: float = 1.0) -> None:
        self.uncollected = 0  # accepted events whose charge the books refused, by this process
        self.uncollected_micros = 0
        self._journal, self._books, self._wait_s = journal, books, wait_s
        self._lock = threading.Lock()
        self._collected: list[Collected] = []
        self._round: Future[Outcome] | None = None  # of `drain`
        journal.transact(_create).result()
        self.machine: str = journal.query("SELECT id FROM machine")[0][0]

    @property
    def waiting(self) -> int:
        """Intents on this machine's disk that are not charged yet."""
        return int(self._journal.query("SELECT count(*) FROM outbox")[0][0])

    async def accept(self, records: Sequence[Record], charges: Sequence[Charge | None]) -> list[Receipt]:
        """Write the events, charge them; one receipt each. StoreError: this disk refused, and none was taken."""
        receipts = await self._journal.accept_many(records, self._intents(charges))
        due = _due(receipts)
        if due:
            asked = self._charge(due)
            await asyncio.wait([asyncio.wrap_future(asked)], timeout=self._wait_s)
            return self._answer(receipts, due, asked)
        return receipts

    def accept_now(self, records: Sequence[Record], charges: Sequence[Charge | None]) -> list[Receipt]:
        """As `accept`, waiting in this thread."""
        receipts = self._journal.append(records, self._intents(charges))
        due = _due(receipts)
        if due:
            asked = self._charge(due)
            wait([asked], timeout=self._wait_s)
            return self._answer(receipts, due, asked)
        return receipts

    def drain(self, now_us: int) -> list[Collected]:
        """Ask for what has been pending for a while, without waiting; what was collected since the last call.

        Call it about every second. Intents of other processes on the same journal are asked for as well: where one
        died nobody else would, and where it lives the books answer both the same.
        """
        with self._lock:
            collected, self._collected = self._collected, []
            busy = self._round is not None and not self._round.done()
        if not busy:
            due = self._due_before(now_us - round(self._wait_s * 1e6) - SECOND_US)
            if due:
                self._round = asked = self._charge(due)
                asked.add_done_callback(lambda done: self._late(due, done))
        return collected

    def drain_all(self) -> int:
        """Charge everything that is pending, waiting for it; how much it was. StoreError: the books are away."""
        count = 0
        while due := self._due_before(None):
            outcome = self._charge(due).result()
            if isinstance(outcome, Exception):
                raise outcome
            count += len(due)
        return count

    def status(self) -> dict[str, object]:
        """Numbers for the status page, and how the books are."""
        return {
            "books": self._books.trouble or self._books.promise,
            "charges pending": self.waiting,
            "uncollected": self.uncollected,
            "uncollected money": self.uncollected_micros / 1e6,
        }

    def _intents(self, charges: Sequence[Charge | None]) -> list[Intent | None]:
        return [None if charge is None else Intent(charge, self.machine) for charge in charges]

    def _due_before(self, since_us: int | None) -> Due:
        """The oldest intents that were written before."""
        rows = self._journal.query(
            "SELECT seq, charge FROM outbox WHERE ? IS NULL OR since_us <= ? ORDER BY seq LIMIT ?",
            (since_us, since_us, MANY),
        )
        return [(seq, _decode(charge)) for seq, charge in rows]

    def _charge(self, due: Due) -> "Future[Outcome]":
        """The books' receipts, once they are written beside the events; or what went wrong, as a value."""
        done: Future[Outcome] = Future()
        done.set_running_or_notify_cancel()

        def write(asked: "Future[list[Receipt]]") -> None:
            receipts = _result(asked, done)
            if receipts is not None:
                self._count(due, receipts)
                _begin(
                    lambda: self._journal.transact(lambda connection: _write(connection, due, receipts)), finish, done
                )

        def finish(written: "Future[list[Receipt]]") -> None:
            receipts = _result(written, done)
            if receipts is not None:
                done.set_result(receipts)

        _begin(lambda: self._books.charge([charge for _, charge in due]), write, done)
        return done

    def _answer(self, receipts: list[Receipt], due: Due, asked: "Future[Outcome]") -> list[Receipt]:
        """The receipts with what the books said, where they did in time."""
        told: Sequence[Receipt] = [PENDING] * len(due)
        if not asked.done():
            asked.add_done_callback(lambda done: self._late(due, done))
        elif not isinstance(outcome := asked.result(), Exception):
            told = outcome
        elif not isinstance(outcome, StoreError):
            raise outcome
        by_seq = {seq: receipt for (seq, _), receipt in zip(due, told, strict=True)}
        return [by_seq[each.seq] if isinstance(each, Noted) else each for each in receipts]

    def _late(self, due: Due, done: "Future[Outcome]") -> None:
        """Remember what was collected after its event had been acknowledged."""
        outcome = done.result()
        if not isinstance(outcome, Exception):
            found = [Collected(charge, receipt) for (_, charge), receipt in zip(due, outcome, strict=True)]
            with self._lock:
                self._collected += found

    def _count(self, due: Due, receipts: Sequence[Receipt]) -> None:
        refused = [charge.price_micros for (_, charge), r in zip(due, receipts, strict=True) if r.reason not in BENIGN]
        with self._lock:
            self.uncollected += len(refused)
            self.uncollected_micros += sum(refused)


def _create(connection: sqlite3.Connection) -> None:
    for statement in SCHEMA:
        connection.execute(statement)


def _write(connection: sqlite3.Connection, due: Due, receipts: list[Receipt]) -> list[Receipt]:
    """The outcomes beside the events; the intents are gone."""
    connection.executemany(
        "INSERT INTO receipts (seq, price, micros, reason) VALUES (?, ?, ?, ?) ON CONFLICT (seq) DO NOTHING",
        [
            (seq, charge.price_micros, receipt.charged_micros, receipt.reason)
            for (seq, charge), receipt in zip(due, receipts, strict=True)
        ],
    )
    connection.executemany("DELETE FROM outbox WHERE seq = ?", [(seq,) for seq, _ in due])
    return receipts


def _due(receipts: Sequence[Receipt]) -> Due:
    return [(each.seq, each.intent) for each in receipts if isinstance(each, Noted) and each.intent is not None]


def _begin(begin: "Callable[[], Future[T]]", then: "Callable[[Future[T]], None]", done: "Future[Outcome]") -> None:
    """Begin something and go on with its future; what cannot even begin is the outcome."""
    try:
        begun = begin()
    except StoreError as error:
        done.set_result(error)
    else:
        begun.add_done_callback(then)


def _result(future: "Future[T]", done: "Future[Outcome]") -> T | None:
    """The result; None where there is an exception, which then is the outcome."""
    error = future.exception()
    if error is None:
        return future.result()
    done.set_result(error if isinstance(error, Exception) else InternalError(repr(error)))
    return None
