"""Reading the journal from outside its writer: in order of arrival, the sealed part and the live one."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from adcascade.errors import DataMissingError, InputError, StoreError
from adcascade.events.records import Record
from adcascade.events.sealed import read_seal
from adcascade.events.table import KINDS, connect, to_record

PAGE = 1000  # rows a read transaction fetches: a long one would keep the WAL from being checkpointed

Stored = tuple[int, bytes]  # seq, payload


def read_records(path: Path, after: int = 0, kinds: Iterable[str] | None = None) -> Iterator[tuple[int, Record]]:
    """(seq, record) of the journal file at `path` with seq above `after`, in order.

    Raises DataMissingError where there is no file, InputError for an unknown kind, StoreError where it cannot be read.
    """
    for seq, payload in read_payloads(path, after, kinds):
        yield seq, to_record(payload)


def read_payloads(path: Path, after: int = 0, kinds: Iterable[str] | None = None) -> Iterator[Stored]:
    """As `read_records`, the records still in msgpack."""
    chosen = _checked(kinds)
    if not path.exists():
        raise DataMissingError(f"there is no event log at {path}; serve or simulate first, or give another --dir")
    with closing(connect(path, reading=True)) as connection:
        while True:
            place, last, page = _step(connection, after, chosen)
            if place is not None:
                yield from read_seal(path.resolve().parent / place, after, chosen)
                after = last
            elif page:
                yield from page
                after = page[-1][0]
            else:
                return


def last_seq(path: Path) -> int:
    """Number of the newest record of the journal file at `path`, 0 for an empty one; raises as `read_records`."""
    if not path.exists():
        raise DataMissingError(f"there is no event log at {path}; serve or simulate first, or give another --dir")
    try:
        with closing(connect(path, reading=True)) as connection:
            return int(connection.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()[0])
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the journal {path}: {error}") from error


def _step(connection: sqlite3.Connection, after: int, kinds: tuple[str, ...]) -> tuple[str | None, int, list[Stored]]:
    """What comes next: a seal (its folder and last seq) or a page of the live records, as of one instant."""
    try:
        connection.execute("BEGIN")
        try:
            seal = connection.execute(
                "SELECT folder, last_seq FROM seals WHERE last_seq > ? ORDER BY last_seq LIMIT 1", (after,)
            ).fetchone()
            return (seal[0], seal[1], []) if seal else (None, after, _page(connection, after, kinds))
        finally:
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the journal: {error}") from error


def _page(connection: sqlite3.Connection, after: int, kinds: tuple[str, ...]) -> list[Stored]:
    # +kind: walk by seq, not by the index on ids
    marks = ", ".join("?" * len(kinds))
    return connection.execute(
        f"SELECT seq, payload FROM records WHERE seq > ? AND +kind IN ({marks}) ORDER BY seq LIMIT {PAGE}",  # noqa: S608  only marks
        (after, *kinds),
    ).fetchall()


def _checked(kinds: Iterable[str] | None) -> tuple[str, ...]:
    known = tuple(KINDS.values())
    if kinds is None:
        return known
    chosen = tuple(kinds)
    for kind in chosen:
        if kind not in known:
            raise InputError("kinds", kind, "one of " + ", ".join(known))
    return chosen
