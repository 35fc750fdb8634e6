"""Reading the books beside whoever writes them: sums and the audit, so that no event waits for them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from adcascade.errors import StoreError
from adcascade.events.table import connect
from adcascade.money.audit import Difference, audit
from adcascade.money.books import Books


class Standing(NamedTuple):
    """Micros of all campaigns on one day."""

    leased: int = 0  # taken from budgets, not charged
    charged: int = 0


class Reader(Protocol):
    """Where the books are read. quick: `standing` may be asked every few seconds."""

    quick: bool

    @property
    def trouble(self) -> str:
        """Why the books cannot be reached, "" while they can."""
        ...

    def standing(self, day: int) -> Standing:
        """What is leased and what is charged of a day (money/day.py). StoreError where the books cannot be read."""
        ...

    def differences(self) -> list[Difference]:
        """As `Books.verify`; empty where the books are right."""
        ...


class FileReader:
    """Books in the journal's file, read over a snapshot of it without holding up the writer."""

    quick = True
    trouble = ""  # the journal's own

    def __init__(self, path: Path) -> None:
        self._path = path

    def standing(self, day: int) -> Standing:
        """As `Reader`."""
        with snapshot(self._path) as connection:
            sql = "SELECT coalesce(sum(leased), 0), coalesce(sum(charged), 0) FROM balances WHERE day = ?"
            return Standing(*connection.execute(sql, (day,)).fetchone())

    def differences(self) -> list[Difference]:
        """As `Reader`."""
        return differences(self._path)


class BooksReader:
    """Books elsewhere, asked for everything: only now and then."""

    quick = False

    def __init__(self, books: Books) -> None:
        self._books = books

    @property
    def trouble(self) -> str:
        """As `Reader`."""
        return self._books.trouble

    def standing(self, day: int) -> Standing:
        """As `Reader`."""
        rows = [row for row in self._books.report() if row["day"] == day]
        return Standing(sum(row["leased"] for row in rows), sum(row["charged"] for row in rows))

    def differences(self) -> list[Difference]:
        """As `Reader`."""
        return self._books.verify()


def differences(path: Path) -> list[Difference]:
    """As `Ledger.verify`, over one snapshot of the journal's file; empty where the books are right."""
    with snapshot(path) as connection:
        return audit(connection)


@contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """The journal's file as it is at one instant, whatever is written meanwhile; nobody who writes waits for it.

    StoreError where it cannot be read.
    """
    connection = connect(path, reading=True)
    try:
        connection.execute("BEGIN")
        yield connection
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the books in {path}: {error}") from error
    finally:
        connection.close()
