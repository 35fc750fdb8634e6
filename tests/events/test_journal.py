"""Laws of the journal: acknowledged means on disk, once, in order; a refusal means nothing happened."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import DataMissingError, InputError, InternalError, StoreError
from adcascade.events.commit import Work, commit
from adcascade.events.journal import Journal, Receipt
from adcascade.events.read import read_records
from adcascade.events.receipt import Booking
from adcascade.events.records import AuctionRecord, Click, Conversion, Impression, Ranked, Record, Winner


def click(identity: str, time_us: int = 1) -> Click:
    """A click of some bid."""
    return Click(id=identity, time_us=time_us, bid_id="bid")


class Boom:
    """A booking that fails by itself."""

    @staticmethod
    def book_all(connection: sqlite3.Connection, due: Sequence[tuple[Booking, Record]]) -> list[Receipt]:
        """Never succeeds."""
        raise ZeroDivisionError


class Note:
    """A booking that leaves a row in a table of its own."""

    @staticmethod
    def book_all(connection: sqlite3.Connection, due: Sequence[tuple[Booking, Record]]) -> list[Receipt]:
        """Write the ids of the records."""
        connection.execute("CREATE TABLE IF NOT EXISTS notes (id TEXT)")
        connection.executemany("INSERT INTO notes VALUES (?)", [(record.id,) for _, record in due])
        return [Receipt("accepted", 7, "noted") for _ in due]


RECORDS: list[Record] = [
    AuctionRecord(
        id="r",
        time_us=1,
        user="ü",
        scenario="home",
        seen={"a": 1, "b": 0.5, "c": ["x", "y"], "d": None, "e": "z"},
        winners=(
            Winner(
                bid_id="b", ad=1, slot=0, creative=0, price_micros=9, billing="click", ctr=0.5, slot_ctr=0.5, cvr=0.1
            ),
        ),
        ranked=Ranked(**dict.fromkeys(("ad", "retrieval", "preranking", "ctr", "cvr", "bid", "ecpm"), b"\0\1")),
    ),
    Impression(id="r", time_us=2, bid_id="b"),
    Click(id="r", time_us=-3, bid_id="b"),
    Conversion(id="r", time_us=2**62, bid_id="b", value_micros=5),
]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Every kind of record comes back equal, in order, also after reopening; ids are taken per kind."""
    with Journal(tmp_path / "log.db") as journal:
        assert {receipt.status for receipt in journal.append(RECORDS)} == {"accepted"}
        assert [record for _, record in journal.read()] == RECORDS
        assert journal.last_seq == 4
    with Journal(tmp_path / "log.db") as journal:
        assert [record for _, record in journal.read()] == RECORDS
        assert [record for _, record in journal.read(after=1, kinds=["click", "auction"])] == [RECORDS[2]]
    assert [record for _, record in read_records(tmp_path / "log.db")] == RECORDS


@settings(deadline=None, max_examples=30)
@given(batches=st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=8))
def test_an_id_is_taken_once(tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]) -> None:
    """However ids repeat, within a batch or later, the first is accepted and all others are duplicates."""
    known: set[int] = set()
    with Journal(tmp_path_factory.mktemp("journal") / "log.db") as journal:
        for batch in batches:
            receipts = journal.append([click(str(number)) for number in batch])
            for number, receipt in zip(batch, receipts, strict=True):
                assert receipt.status == ("duplicate" if number in known else "accepted")
                known.add(number)
        assert len(list(journal.read())) == len(known)


def test_futures_and_coroutines_get_the_same_receipts(tmp_path: Path) -> None:
    """submit, submit_many, append, accept and accept_many differ only in how one waits."""
    with Journal(tmp_path / "log.db") as journal:
        assert journal.submit(click("1")).result() == Receipt("accepted")
        assert [r.status for r in journal.submit_many([click("1"), click("2")]).result()] == ["duplicate", "accepted"]

        async def awaited() -> list[Receipt]:
            one = await asyncio.gather(*(journal.accept(click(str(i)), Note()) for i in (2, 3, 3)))
            return [*one, *await journal.accept_many([click("4"), click("1")], [Note(), Note()])]

        receipts = asyncio.run(awaited())
        assert [r.status for r in receipts] == ["duplicate", "accepted", "duplicate", "accepted", "duplicate"]
        assert [r.charged_micros for r in receipts] == [0, 7, 0, 7, 0]
        assert journal.query("SELECT id FROM notes ORDER BY id") == [("3",), ("4",)]


def test_a_cancelled_waiter_disturbs_nobody(tmp_path: Path) -> None:
    """A coroutine that gave up leaves its record in the log and the others their receipts."""
    with Journal(tmp_path / "log.db") as journal:

        async def impatient() -> Receipt:
            gives_up = asyncio.ensure_future(journal.accept(click("1")))
            stays = asyncio.ensure_future(journal.accept(click("2")))
            await asyncio.sleep(0)
            gives_up.cancel()
            return await stays

        assert asyncio.run(impatient()) == Receipt("accepted")
        cancelled = journal.submit(click("3"))
        cancelled.cancel()
        journal.flush()
        assert {record.id for _, record in journal.read()} == {"1", "2", "3"}


def test_posting_waits_for_nothing_and_close_loses_nothing(tmp_path: Path) -> None:
    """Records handed over without a future are on disk after close."""
    with Journal(tmp_path / "log.db") as journal:
        for number in range(1000):
            journal.post(click(str(number)))
    assert len(list(read_records(tmp_path / "log.db"))) == 1000
    assert journal.lost == 0


def test_many_threads_write_into_one_order(tmp_path: Path) -> None:
    """Ids submitted by several threads at once are each accepted exactly once, with growing seq."""
    with Journal(tmp_path / "log.db") as journal:
        futures: list[Future[Receipt]] = []

        def work() -> None:
            futures.extend([journal.submit(click(str(number))) for number in range(200)])

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(future.result().status == "accepted" for future in futures) == 200
        numbers = [seq for seq, _ in journal.read()]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == 200


def test_two_journals_share_a_file(tmp_path: Path) -> None:
    """Two processes' worth of writers take turns: no id twice, no record lost, one order for readers."""
    with Journal(tmp_path / "log.db") as one, Journal(tmp_path / "log.db") as two:
        futures = [journal.submit(click(str(i))) for i in range(300) for journal in (one, two)]
        statuses = [future.result().status for future in futures]
        assert statuses.count("accepted") == 300
        assert list(one.read()) == list(two.read())
        assert one.last_seq == two.last_seq


def fill(journal: Journal) -> None:
    """Let the file grow no more, as on a full disk."""

    def limit(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    journal.transact(limit).result()


def test_a_full_disk_acknowledges_nothing(tmp_path: Path) -> None:
    """Every waiter of the batch gets StoreError, its bookings are undone, and the log holds none of it."""
    with Journal(tmp_path / "log.db") as journal:
        journal.append([click("before")])
        fill(journal)
        big = [click(f"{number}-" + "x" * 900) for number in range(200)]
        future = journal.submit_many(big, [Note()] * 200)
        with pytest.raises(StoreError, match="nothing was accepted"):
            future.result()
        assert not journal.healthy
        assert "full" in journal.trouble
        assert [record.id for _, record in journal.read()] == ["before"]
        assert journal.query("SELECT name FROM sqlite_master WHERE name = 'notes'") == []


def test_the_journal_recovers_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the disk has room again the journal is healthy without being asked, and the same records are new."""
    monkeypatch.setattr("adcascade.events.journal.PROBE_S", 0.01)
    with Journal(tmp_path / "log.db") as journal:
        fill(journal)
        records = [click(f"{number}-" + "x" * 900) for number in range(200)]
        with pytest.raises(StoreError):
            journal.append(records)
        for _ in range(500):  # the limit went with the connection that the journal gave up
            if journal.healthy:
                break
            time.sleep(0.01)
        assert journal.healthy
        assert all(receipt.status == "accepted" for receipt in journal.append(records))


def test_what_nobody_waited_for_is_counted_when_lost(tmp_path: Path) -> None:
    """Records posted without a future onto a full disk appear in `lost`."""
    with Journal(tmp_path / "log.db", commit_every_ms=50) as journal:
        fill(journal)
        for number in range(200):
            journal.post(click(f"{number}-" + "x" * 900))
        with pytest.raises(StoreError):
            journal.flush()
        assert journal.lost == 200


def test_a_file_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    """A folder that does not exist, or a file that is no database: StoreError, and no thread stays behind."""
    (tmp_path / "text.db").write_text("no database at all, " * 100)
    before = threading.active_count()
    for path in (tmp_path / "nowhere" / "log.db", tmp_path / "text.db"):
        with pytest.raises(StoreError, match=path.name):
            Journal(path)
    assert threading.active_count() == before


def test_a_full_queue_refuses(tmp_path: Path) -> None:
    """Beyond max_waiting `submit` and `post` raise StoreError at once; what was taken is still written."""
    with Journal(tmp_path / "log.db", max_waiting=10) as journal:
        holding, hold = threading.Event(), threading.Event()

        def block(_: sqlite3.Connection) -> None:
            holding.set()
            hold.wait(10)

        blocked = journal.transact(block)
        holding.wait(10)
        futures = [journal.submit(click(str(number))) for number in range(10)]
        with pytest.raises(StoreError, match="10 records wait"):
            journal.post(click("too many"))
        hold.set()
        blocked.result()
        assert {future.result().status for future in futures} == {"accepted"}
        assert journal.append([click(str(number)) for number in range(30)])[-1].status == "accepted"


def test_an_action_fails_alone(tmp_path: Path) -> None:
    """An action's own exception undoes its writes and reaches only its own future."""
    with Journal(tmp_path / "log.db", commit_every_ms=50) as journal:

        def bad(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM records")
            raise KeyError("mine")

        accepted = journal.submit(click("1"))
        failed = journal.transact(bad)
        with pytest.raises(KeyError, match="mine"):
            failed.result()
        assert accepted.result() == Receipt("accepted")
        assert [record.id for _, record in journal.read()] == ["1"]
        assert journal.healthy


def test_a_booking_that_fails_takes_its_event_along(tmp_path: Path) -> None:
    """An event and its booking are one transaction: neither is in the log when the booking raises."""
    with Journal(tmp_path / "log.db") as journal:
        with pytest.raises(InternalError, match="ZeroDivisionError"):
            journal.submit(click("1"), Boom()).result()
        assert list(journal.read()) == []
        assert journal.submit(click("1")).result() == Receipt("accepted")


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (click(""), "click.id"),
        (click("1", time_us=2**63), "click.time_us"),
        (msgspec.structs.replace(click("1"), time_us=0.5), "click.time_us"),
        (click("\ud800"), "click"),
        (Conversion(id="1", time_us=1, bid_id="b", value_micros=2**70), "conversion"),
        ("no record", "record"),
    ],
)
def test_a_record_that_cannot_be_stored_is_refused_at_once(tmp_path: Path, record: Record, field: str) -> None:
    """InputError names the field, before anything is queued; others of the same time are not harmed."""
    with Journal(tmp_path / "log.db") as journal:
        good = journal.submit(click("good"))
        with pytest.raises(InputError) as caught:
            journal.submit(record)
        assert caught.value.field == field
        assert good.result() == Receipt("accepted")


def test_reading_refuses_what_is_not_there(tmp_path: Path) -> None:
    """An unknown kind and a missing file are named."""
    with Journal(tmp_path / "log.db") as journal, pytest.raises(InputError, match="purchase"):
        list(journal.read(kinds=["purchase"]))
    with pytest.raises(DataMissingError, match="no event log"):
        list(read_records(tmp_path / "other.db"))


def test_a_reader_follows_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that is on its way sees what is written meanwhile, each record once, however small its pages are."""
    monkeypatch.setattr("adcascade.events.read.PAGE", 3)
    with Journal(tmp_path / "log.db") as journal:
        journal.append([click(str(number)) for number in range(5)])
        read: list[int] = []
        for seq, _ in journal.read():
            if len(read) < 20:
                journal.append([click(f"more{seq}")])
            read.append(seq)
        assert read == list(range(1, len(read) + 1))
        assert len(read) > 20


CLOSED: list[Callable[[Journal], object]] = [
    lambda journal: journal.submit(click("1")),
    lambda journal: journal.append([click("1")]),
    lambda journal: journal.post(click("1")),
    lambda journal: journal.flush(),
]


@pytest.mark.parametrize("call", CLOSED)
def test_a_closed_journal_says_so(tmp_path: Path, call: Callable[[Journal], object]) -> None:
    """After close every way in raises StoreError; closing twice is allowed."""
    journal = Journal(tmp_path / "log.db")
    journal.close()
    journal.close()
    with pytest.raises(StoreError, match="closed"):
        call(journal)


def test_what_is_posted_in_a_row_is_one_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Posts that wait together are committed as one work, before and behind what others wait for, in order, once."""
    works: list[list[int]] = []

    def counted(connection: sqlite3.Connection, batch: Sequence[Work]) -> list[object]:
        works.append([len(work.rows) for work in batch])
        return commit(connection, batch)

    with Journal(tmp_path / "journal.db", commit_every_ms=60_000) as journal:
        monkeypatch.setattr("adcascade.events.journal.commit", counted)
        for number in range(5):
            journal.post(click(f"a{number}"))
        receipt = journal.submit(click("b"))
        for number in range(4, 9):
            journal.post(click(f"a{number}"))
        assert journal.waiting == 11
        journal.flush()
        assert receipt.result().status == "accepted"
        assert works == [[5, 1, 5, 0]]
        assert [record.id for _, record in journal.read()] == [
            "a0",
            "a1",
            "a2",
            "a3",
            "a4",
            "b",
            "a5",
            "a6",
            "a7",
            "a8",
        ]
