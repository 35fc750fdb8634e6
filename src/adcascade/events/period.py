"""Period: the requests that were answered in a span of time, newest first, from the live log and its sealed parts.

The log is in order of arrival. The reader goes through it backwards: page by page where it is live, by row groups
where it is sealed, of which those of other times are passed over unread; and it ends behind the first seal that begins
before the period by more than STRAY_US.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import DataMissingError, StoreError
from adcascade.events.sealed import SCHEMA, read_manifest
from adcascade.events.table import connect

PAGE = 1000  # requests of a read transaction
STRAY_US = 3_600_000_000  # by less do the clocks of processes differ, and answers come late into the log
FOREVER = 2**63 - 1
TIME = SCHEMA.get_field_index("time_us")
LIVE = (
    "SELECT seq, payload FROM records WHERE seq < ? AND seq > (SELECT coalesce(max(last_seq), 0) FROM seals) "
    "AND +kind = 'auction' AND time_us >= ? AND time_us < ? ORDER BY seq DESC LIMIT ?"
)
SEALS = "SELECT folder FROM seals WHERE first_seq < ? ORDER BY last_seq DESC"


def auctions_between(path: Path, from_us: int, to_us: int) -> Iterator[bytes]:
    """Payloads of the requests at from_us <= time < to_us in the journal's file at `path`, newest first.

    DataMissingError where there is no file, StoreError where it or a seal cannot be read.
    """
    if not path.exists():
        raise DataMissingError(f"there is no event log at {path}; serve or simulate first")
    before = FOREVER
    with closing(connect(path, reading=True)) as connection:
        while page := _asked(connection, LIVE, (before, from_us, to_us, PAGE)):
            yield from (payload for _, payload in page)
            before = page[-1][0]
        seals = _asked(connection, SEALS, (before,))
    for (folder,) in seals:
        place = path.resolve().parent / folder
        if not any(file.kind == "auction" for file in read_manifest(place).files):
            continue
        try:
            with pq.ParquetFile(place / "auction.parquet") as file:
                yield from _sealed(file, before, from_us, to_us)
                if _span(file, 0)[0] < from_us - STRAY_US:
                    return
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"the sealed log {place} cannot be read: {error}; restore it from a copy") from error


def _asked(connection: sqlite3.Connection, sql: str, values: tuple[int, ...]) -> list[Any]:
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the journal: {error}") from error


def _sealed(file: pq.ParquetFile, before: int, from_us: int, to_us: int) -> Iterator[bytes]:
    """The rows of a seal below the seq `before`, newest first."""
    for group in reversed(range(file.metadata.num_row_groups)):
        oldest, newest = _span(file, group)
        if newest < from_us or oldest >= to_us:
            continue
        columns = file.read_row_group(group, columns=["seq", "time_us", "payload"])
        rows = list(zip(*(columns[name].to_pylist() for name in ("seq", "time_us", "payload")), strict=True))
        yield from (payload for seq, time_us, payload in reversed(rows) if seq < before and from_us <= time_us < to_us)


def _span(file: pq.ParquetFile, group: int) -> tuple[int, int]:
    """Oldest and newest time of a row group."""
    told = file.metadata.row_group(group).column(TIME).statistics
    return int(told.min), int(told.max)
