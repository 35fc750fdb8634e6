"""Trail: what the log holds of one bid: its auction, and every event that names it, in order of arrival.

The log finds a record by kind and id alone, and an event's payload names its bid. The auction is found by its id,
which a bid id begins with; then the payloads of the next SEARCHED records are searched for the bid id, and events
whose ids are known from elsewhere are asked for by id. Of a sealed record the journal's file keeps the id and the
time; what it held lies in Parquet.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection, Error

import msgspec

from adcascade.errors import StoreError
from adcascade.events.records import AuctionRecord, Event, Filtered, Notice, Winner
from adcascade.events.table import connect, to_record

SEARCHED = 500_000  # records behind the auction
NAMING = ("impression", "viewable", "click", "conversion", "notice", "filtered")  # kinds whose records name one bid
Named = Event | Notice | Filtered
Row = tuple[int, str, str, int, bytes | None]  # seq, kind, id, time_us, payload


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A record that names the bid. record: None where it is sealed."""

    seq: int
    kind: str
    id: str
    time_us: int
    record: Named | None


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """What is there of a bid. auction: of its answer; searched_all: whether all records behind that were looked at.

    auction_us: when it was held, None where the log does not know the auction; auction None: sealed, where the time is
    known. steps: what names the bid, in order of arrival.
    """

    bid_id: str
    auction_us: int | None = None
    auction: AuctionRecord | None = None
    steps: tuple[Step, ...] = ()
    searched_all: bool = True

    @property
    def sealed(self) -> bool:
        """Whether records of the trail lie in Parquet."""
        gone = self.auction_us is not None and self.auction is None
        return gone or any(step.record is None for step in self.steps)

    @property
    def winner(self) -> Winner | None:
        """The bid's ad in the answer."""
        return next((one for one in self.auction.winners if one.bid_id == self.bid_id), None) if self.auction else None


def trail_of(path: Path, bid_id: str, known: Iterable[str] = (), *, searched: int = SEARCHED) -> Trail:
    """The trail of a bid in the journal's file at `path`, read beside its writer; empty where there is no file.

    known: ids of events that billed the bid, as its bookings tell. StoreError where the file cannot be read.
    """
    if not path.exists():
        return Trail(bid_id=bid_id)
    with closing(connect(path, reading=True)) as connection:
        try:
            return _read(connection, bid_id, tuple(known), searched)
        except Error as error:
            raise StoreError(f"cannot read the journal {path}: {error}") from error


def _read(connection: Connection, bid_id: str, known: Sequence[str], searched: int) -> Trail:
    found = connection.execute(
        "SELECT seq, time_us, payload FROM records WHERE kind = 'auction' AND id = ?", (bid_id.rpartition(".")[0],)
    ).fetchone()
    rows: dict[int, Row] = {row[0]: row for event in known for row in _by_id(connection, event)}
    if found is None:
        return Trail(bid_id=bid_id, steps=_steps(rows, bid_id))
    seq, auction_us, payload = found
    marks = ", ".join("?" * len(NAMING))
    behind = connection.execute(
        f"SELECT seq, kind, id, time_us, payload FROM records WHERE seq > ? AND seq <= ? AND +kind IN ({marks})"  # noqa: S608  only marks
        " AND instr(payload, CAST(? AS BLOB)) > 0",
        (seq, seq + searched, *NAMING, bid_id),
    )
    rows |= {row[0]: row for row in behind}
    (last,) = connection.execute("SELECT max(seq) FROM records").fetchone()
    record = None if payload is None else to_record(payload)
    return Trail(
        bid_id=bid_id,
        auction_us=auction_us,
        auction=record if isinstance(record, AuctionRecord) else None,
        steps=_steps(rows, bid_id),
        searched_all=last <= seq + searched,
    )


def _by_id(connection: Connection, event: str) -> list[Row]:
    marks = ", ".join("?" * len(NAMING))
    sql = f"SELECT seq, kind, id, time_us, payload FROM records WHERE kind IN ({marks}) AND id = ?"  # noqa: S608  only marks
    return connection.execute(sql, (*NAMING, event)).fetchall()


def _steps(rows: Mapping[int, Row], bid_id: str) -> tuple[Step, ...]:
    """What is of the bid: a text may contain its id, and an id is taken once a kind."""
    steps = []
    for seq, kind, identity, time_us, payload in sorted(rows.values()):
        record = None if payload is None else to_record(payload)
        if record is None or (isinstance(record, Named) and record.bid_id == bid_id):
            steps.append(Step(seq=seq, kind=kind, id=identity, time_us=time_us, record=record))
    return tuple(steps)
