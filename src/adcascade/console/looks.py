"""Looks: what each process of a machine saw, in a small SQLite file that all of them write and read.

Every worker puts its look down and reads those that were put down since it read last; nobody waits for anybody. What is
older than the history is deleted with each look, so that the file stays small. It may be deleted at will: then the
charts begin anew.
"""

import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from adcascade.console.counters import Counters
from adcascade.console.history import EVERY_US, KEPT
from adcascade.errors import StoreError

KEPT_US = KEPT * EVERY_US
OPENING = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # a look may be lost with the power, the file not
    """
CREATE TABLE IF NOT EXISTS looks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never taken twice, so that readers miss none
    process TEXT NOT NULL,
    time_us INTEGER NOT NULL,
    payload BLOB NOT NULL  -- a Look in msgpack, packed by zlib
)
""",
    "CREATE INDEX IF NOT EXISTS looks_time ON looks (time_us)",
)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one process saw at one moment. process: its name, which no other ever has; began_us: when it came to life.

    alarms: as the engine tells them; trouble: why it is not ready, "" while it is.
    """

    process: str
    began_us: int
    counters: Counters
    alarms: tuple[dict[str, Any], ...] = ()
    trouble: str = ""
    bundle: str = ""

    @property
    def time_us(self) -> int:
        """When."""
        return self.counters.time_us


_encoder = msgspec.msgpack.Encoder(enc_hook=float)  # numpy's numbers are none to msgspec
_decoder = msgspec.msgpack.Decoder(Look)


class Looks:
    """The looks in the file at `path`, of which one process puts down its own. Any thread may call.

    Every method raises StoreError where the file cannot be used; the next call opens it anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._read = 0  # number of the newest look that was read

    def put(self, look: Look) -> None:
        """Put a look down, and delete what is older than the history, or later than now by a clock that went back."""
        payload = zlib.compress(_encoder.encode(look), 1)
        outside = (look.time_us - KEPT_US, look.time_us + EVERY_US)
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM looks WHERE time_us < ? OR time_us > ?", outside)
            connection.execute(
                "INSERT INTO looks (process, time_us, payload) VALUES (?, ?, ?)", (look.process, look.time_us, payload)
            )
            connection.execute("COMMIT")

    def others(self, process: str) -> list[Look]:
        """The looks of other processes than this one that came since the last call, in order of arrival."""
        with self._using() as connection:
            rows = connection.execute(
                "SELECT number, process, payload FROM looks WHERE number > ? ORDER BY number", (self._read,)
            ).fetchall()
            found = [_decoder.decode(zlib.decompress(payload)) for _, name, payload in rows if name != process]
            self._read = rows[-1][0] if rows else self._read
        return found

    def close(self) -> None:
        """Let the file go. Closing twice is allowed."""
        with self._lock:
            self._let_go()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
                    for statement in OPENING:
                        self._connection.execute(statement)
                yield self._connection
            except (sqlite3.Error, zlib.error, msgspec.MsgspecError) as error:
                self._let_go()
                raise StoreError(
                    f"{self._path} cannot be used for the charts: {error}; delete the file, it comes again"
                ) from error

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
