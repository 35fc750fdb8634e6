"""Store: requests that were answered again, in a SQLite file of their own beside the log.

    shadowed(number, shadow, payload)   a request, in msgpack (record.py); the oldest are forgotten beyond `kept`
    counts(shadow, ...)                 how many requests were answered again, dropped, and failed

The log stays lean, and readers of it meet nothing new; the file may be deleted while nothing serves. A commit may be
lost in a crash of the machine: nothing is owed to anybody for it. Several processes write, each about once a second.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from adcascade.cascade.shadow.record import Shadowed
from adcascade.errors import StoreError

KEPT = 100_000  # requests, of all shadows; about 65 MB
ENDS = ("shadowed", "dropped", "failed")  # what can become of a request that was chosen

SCHEMA = """
CREATE TABLE IF NOT EXISTS shadowed (number INTEGER PRIMARY KEY, shadow TEXT NOT NULL, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_shadow ON shadowed (shadow, number);
CREATE TABLE IF NOT EXISTS counts (
    shadow TEXT PRIMARY KEY, shadowed INTEGER NOT NULL, dropped INTEGER NOT NULL, failed INTEGER NOT NULL
);
"""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Shadowed)


class Counts(NamedTuple):
    """Of one shadow, ever: answered again; not, because too many waited or the server had to do less; failed."""

    shadowed: int = 0
    dropped: int = 0
    failed: int = 0


class ShadowStore:
    """The file at `path`, which `write` creates. Any thread; every call opens it anew, for calls are rare."""

    def __init__(self, path: Path, kept: int = KEPT) -> None:
        self.path, self._kept = path, kept

    def write(self, shadow: str, records: Sequence[Shadowed], counted: Mapping[str, int]) -> None:
        """Append records, add up counts (keys of ENDS), forget the oldest; one commit. StoreError: nothing was kept."""
        counts = [counted.get(name, 0) for name in ENDS]
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO shadowed (shadow, payload) VALUES (?, ?)",
                [(one.shadow, _encoder.encode(one)) for one in records],
            )
            connection.execute(
                "DELETE FROM shadowed WHERE number <= (SELECT max(number) FROM shadowed) - ?", (self._kept,)
            )
            connection.execute(
                "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT (shadow) DO UPDATE SET"
                " shadowed = shadowed + excluded.shadowed, dropped = dropped + excluded.dropped,"
                " failed = failed + excluded.failed",
                (shadow, *counts),
            )
            connection.execute("COMMIT")

    def read(self, shadow: str, most: int = KEPT) -> list[Shadowed]:
        """The newest of a shadow, oldest first; none where there is no file. StoreError where it cannot be read."""
        sql = "SELECT payload FROM shadowed WHERE shadow = ? ORDER BY number DESC LIMIT ?"
        if not self.path.exists():
            return []
        with self._opened() as connection:
            payloads = connection.execute(sql, (shadow, most)).fetchall()
        try:
            return [_decoder.decode(payload) for (payload,) in reversed(payloads)]
        except msgspec.MsgspecError as error:
            raise StoreError(f"{self.path} holds what cannot be read: {error}; remove it") from error

    def counts(self, shadow: str) -> Counts:
        """Of one shadow."""
        if not self.path.exists():
            return Counts()
        with self._opened() as connection:
            row = connection.execute(
                "SELECT shadowed, dropped, failed FROM counts WHERE shadow = ?", (shadow,)
            ).fetchone()
        return Counts() if row is None else Counts(*row)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=10.0, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(SCHEMA)
                yield connection
        except sqlite3.Error as error:
            raise StoreError(f"cannot use {self.path}: {error}; free space, or remove the file") from error
