"""Recent: the newest requests of the log page by page, and one by its id, read beside the writer."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import DataMissingError, StoreError
from adcascade.events.records import AuctionRecord
from adcascade.events.table import connect, to_record

FOREVER = 2**63 - 1
Numbered = tuple[int, AuctionRecord]  # with its seq


def newest(path: Path, before: int = FOREVER, size: int = 50) -> list[Numbered]:
    """The requests with a seq below `before`, newest first, at most `size`; sealed hours hold older ones.

    StoreError where the log at `path` cannot be read.
    """
    rows = _read(
        path,
        "SELECT seq, payload FROM records WHERE seq < ? AND seq > (SELECT coalesce(max(last_seq), 0) FROM seals) "
        "AND +kind = 'auction' ORDER BY seq DESC LIMIT ?",
        (before, size),
    )
    return [(seq, _auction(payload)) for seq, payload in rows]


def recorded(path: Path, identity: str) -> AuctionRecord:
    """The request of this id, sealed or not; DataMissingError where the log holds none."""
    rows = _read(path, "SELECT seq, payload FROM records WHERE kind = 'auction' AND id = ?", (identity,))
    if not rows:
        raise DataMissingError(f"the log holds no request {identity!r}; take an id from the list of requests")
    seq, payload = rows[0]
    return _auction(_sealed(path, seq) if payload is None else payload)


def _read(path: Path, query: str, values: tuple[object, ...]) -> list[tuple[int, bytes]]:
    if not path.exists():
        raise DataMissingError(f"there is no event log at {path}; serve or simulate first")
    try:
        with closing(connect(path, reading=True)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the journal: {error}") from error


def _sealed(path: Path, seq: int) -> bytes:
    """The payload of a sealed request: one row group of a Parquet file."""
    seals = _read(path, "SELECT last_seq, folder FROM seals WHERE last_seq >= ? ORDER BY last_seq LIMIT 1", (seq,))
    folder = path.resolve().parent / str(seals[0][1])
    try:
        found = pq.read_table(folder / "auction.parquet", columns=["payload"], filters=[("seq", "=", seq)])
        return bytes(found["payload"][0].as_py())
    except (OSError, pa.ArrowException, IndexError) as error:
        raise StoreError(f"the sealed log {folder} cannot be read: {error}; restore it from a copy") from error


def _auction(payload: bytes) -> AuctionRecord:
    record = to_record(payload)
    if not isinstance(record, AuctionRecord):
        raise StoreError(f"the log holds a {type(record).__name__} as an auction; restore it from a copy")
    return record
