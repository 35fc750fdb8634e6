"""The table of records in the journal's SQLite file: its shape, its connections, rows to and from records."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from adcascade.errors import InputError, InternalError, StoreError
from adcascade.events.records import (
    AuctionRecord,
    Click,
    Conversion,
    Filtered,
    Impression,
    Notice,
    Order,
    Record,
    Viewable,
)

Row = tuple[str, str, int, bytes]  # kind, id, time_us, payload

KINDS: dict[type, str] = {
    AuctionRecord: "auction",
    Impression: "impression",
    Click: "click",
    Conversion: "conversion",
    Notice: "notice",
    Viewable: "viewable",
    Order: "order",
    Filtered: "filtered",
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    time_us INTEGER NOT NULL,
    payload BLOB,  -- msgpack of events/records.py, NULL once the record is sealed
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS seals (
    last_seq INTEGER PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    folder TEXT NOT NULL  -- the seal's folder, relative to that of the journal where it lies below it
);
"""

INT64 = range(-(2**63), 2**63)

_encoder = msgspec.msgpack.Encoder()
_decoder: "msgspec.msgpack.Decoder[Record]" = msgspec.msgpack.Decoder(Record)


def connect(path: Path, *, reading: bool = False) -> sqlite3.Connection:
    """An autocommit connection whose commits are on disk when they return; any thread may use it, one at a time."""
    try:
        connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA busy_timeout = 10000")
            if reading:
                connection.execute("PRAGMA query_only = 1")
            else:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA wal_autocheckpoint = 0")  # the writer checkpoints after acknowledging
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StoreError(
            f"cannot open the journal {path}: {error}; give the path of a file in a writable folder"
        ) from error
    return connection


def to_row(record: Record) -> Row:
    """The row of a record; InputError where a field cannot be stored."""
    kind = KINDS.get(type(record))
    if kind is None:
        raise InputError("record", record, "a record of events/records.py")
    if not isinstance(record.id, str) or not record.id:
        raise InputError(f"{kind}.id", record.id, "a text that is not empty", "give every record its own id")
    if not isinstance(record.time_us, int) or record.time_us not in INT64:
        raise InputError(f"{kind}.time_us", record.time_us, "microseconds since 1970 as a 64-bit integer")
    try:
        return kind, record.id, record.time_us, _encoder.encode(record)
    except (OverflowError, TypeError, UnicodeEncodeError) as error:
        raise InputError(kind, record, "fields of the declared types", str(error)) from error


def to_record(payload: bytes) -> Record:
    """The record of a payload."""
    try:
        return _decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise InternalError(f"the journal holds a record that this version cannot read: {error}") from error


def insert(connection: sqlite3.Connection, rows: Iterable[Row], count: int) -> list[bool] | None:
    """Insert `count` rows into the open transaction: which were new, None where all were.

    An id is taken once per kind, also within `rows`: the first wins.
    """
    (before,) = connection.execute("SELECT max(seq) FROM records").fetchone()
    rows = list(rows)
    cursor = connection.executemany(
        "INSERT INTO records (kind, id, time_us, payload) VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO NOTHING", rows
    )
    if cursor.rowcount == count:
        return None
    fresh = set(connection.execute("SELECT kind, id FROM records WHERE seq > ?", (before or 0,)))
    new = []
    for kind, identity, _, _ in rows:
        new.append((kind, identity) in fresh)
        fresh.discard((kind, identity))
    return new
