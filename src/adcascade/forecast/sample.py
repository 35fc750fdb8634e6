"""Sample: some auctions of the newest days of the log, as evenly spread as a bounded reading allows.

    window   the newest whole days of 24 hours, at most so many; the whole log where it is shorter than a day
    blocks   so many runs of consecutive records, spread evenly over the window's records
    weight   records of the window for one record that was walked: what one sampled auction stands for

Blocks are spread over records, so a busy hour has more of them, as it has more auctions. Where the window holds few
enough auctions, it is one block and the weight is 1. Each block costs one seek; sealed ones are read from their seals.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import StoreError
from adcascade.events.table import connect

DAY_US = 86_400_000_000
DAYS = 7
AUCTIONS = 20_000
BLOCKS = 64
COUNTED = 10  # records of a window for one auction that may be read: more are not counted, but sampled


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Auctions in msgpack, in order of arrival. kinds: records of each kind among those that were walked."""

    payloads: tuple[bytes, ...]
    since_us: int
    until_us: int
    weight: float = 1.0
    kinds: dict[str, int] = {}

    @property
    def days(self) -> int:
        """Whole days of the window; 0: it is shorter than one."""
        return (self.until_us - self.since_us) // DAY_US


class _Block(NamedTuple):
    payloads: list[bytes]
    walked: int
    kinds: dict[str, int]


def sampled(journal: Path, *, days: int = DAYS, auctions: int = AUCTIONS) -> Sample | None:
    """At most about so many auctions of at most so many days; None: there is no log yet, or it holds no auction.

    Raises StoreError where the log cannot be read.
    """
    if not journal.exists():
        return None
    try:
        with closing(connect(journal, reading=True)) as connection:
            return _sampled(connection, journal.resolve().parent, days, auctions)
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the journal: {error}") from error


def _sampled(connection: sqlite3.Connection, folder: Path, days: int, most: int) -> Sample | None:
    newest = connection.execute(
        "SELECT seq, time_us FROM records WHERE +kind = 'auction' ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    if newest is None:
        return None
    last, until_us = newest[0], newest[1] + 1
    first, oldest_us = _auction_from(connection, 0)
    since_us = max(oldest_us, until_us - days * DAY_US)
    if until_us - since_us >= DAY_US:
        since_us = until_us - (until_us - since_us) // DAY_US * DAY_US
        first = _first_since(connection, since_us, first, last)
    records = last - first + 1
    count = 1 if records <= COUNTED * most and _auctions(connection, first, last) <= most else BLOCKS
    starts = [first + records * i // count for i in range(count)] + [last + 1]
    blocks = [
        _block(connection, folder, (begin, end), most if count == 1 else most // count)
        for begin, end in pairwise(starts)
        if begin < end
    ]
    kinds: Counter[str] = Counter()
    for block in blocks:
        kinds.update(block.kinds)
    return Sample(
        payloads=tuple(payload for block in blocks for payload in block.payloads),
        since_us=since_us,
        until_us=until_us,
        weight=records / sum(block.walked for block in blocks),
        kinds=dict(kinds),
    )


def _auction_from(connection: sqlite3.Connection, seq: int) -> tuple[int, int]:
    """(seq, time_us) of the first auction from this record on; there is one."""
    query = "SELECT seq, time_us FROM records WHERE seq >= ? AND +kind = 'auction' ORDER BY seq LIMIT 1"
    found: tuple[int, int] = connection.execute(query, (seq,)).fetchone()
    return found


def _first_since(connection: sqlite3.Connection, since_us: int, low: int, high: int) -> int:
    """The first auction of that time or later: records come nearly in order of time, so the middle tells the half."""
    while low < high:
        middle = (low + high) // 2
        if _auction_from(connection, middle)[1] < since_us:
            low = middle + 1
        else:
            high = middle
    return low


def _auctions(connection: sqlite3.Connection, first: int, last: int) -> int:
    query = "SELECT count(*) FROM records WHERE seq BETWEEN ? AND ? AND +kind = 'auction'"
    return int(connection.execute(query, (first, last)).fetchone()[0])


def _block(connection: sqlite3.Connection, folder: Path, span: tuple[int, int], most: int) -> _Block:
    """The first auctions of [begin, end), and what stands between them."""
    begin, end = span
    rows = connection.execute(
        "SELECT seq, payload FROM records WHERE seq >= ? AND seq < ? AND +kind = 'auction' ORDER BY seq LIMIT ?",
        (begin, end, most),
    ).fetchall()
    stop = rows[-1][0] + 1 if len(rows) == most else end
    counted = "SELECT kind, count(*) FROM records WHERE seq >= ? AND seq < ? GROUP BY +kind"
    kinds = dict(connection.execute(counted, (begin, stop)).fetchall())
    live = [payload for _, payload in rows if payload is not None]
    if len(live) == len(rows):
        return _Block(live, stop - begin, kinds)
    sealed = [seq for seq, payload in rows if payload is None]  # sealed records are older than live ones
    return _Block([*_sealed(connection, folder, sealed[0], sealed[-1]), *live], stop - begin, kinds)


def _sealed(connection: sqlite3.Connection, folder: Path, first: int, last: int) -> Iterator[bytes]:
    """The auctions from one sealed record to another."""
    query = "SELECT folder FROM seals WHERE last_seq >= ? AND first_seq <= ? ORDER BY last_seq"
    for (place,) in connection.execute(query, (first, last)).fetchall():
        file = folder / place / "auction.parquet"
        if not file.exists():
            if not (folder / place).is_dir():
                raise StoreError(f"the sealed log {folder / place} is missing; restore it from a copy")
            continue  # an hour without an auction
        try:
            table = pq.read_table(file, columns=["payload"], filters=[("seq", ">=", first), ("seq", "<=", last)])
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"the sealed log {file} cannot be read: {error}; restore it from a copy") from error
        yield from table["payload"].to_pylist()
