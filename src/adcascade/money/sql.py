"""The little that the books need of a database: SQLite's connections have it, PostgreSQL's get it by an adaptor.

Statements are written in what both understand: `?` for a value, ON CONFLICT, RETURNING, CASE, window functions.
Sums are cast, because PostgreSQL would answer them as decimals.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

MANY = 512  # values in one IN (...)
Query = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]  # rows of what is committed


class Cursor(Protocol):
    """What a statement answers."""

    def fetchone(self) -> Any:
        """The next row, None after the last."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...


class Connection(Protocol):
    """A connection inside an open transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """One statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """The same statement for many rows, in their order."""
        ...


def rows_of(connection: Connection, sql: str, values: Iterable[Any]) -> Iterator[Any]:
    """Rows of `sql` whose `(...)` stands for the distinct values, a few hundred of them in one statement."""
    for statement, part in _parts(sql, values):
        yield from connection.execute(statement, part).fetchall()


def queried(query: Query, sql: str, values: Iterable[Any]) -> Iterator[Any]:
    """As `rows_of`, where nothing is written: others may come in between two statements."""
    for statement, part in _parts(sql, values):
        yield from query(statement, part)


def _parts(sql: str, values: Iterable[Any]) -> Iterator[tuple[str, list[Any]]]:
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), MANY):
        part = distinct[start : start + MANY]
        width = 1 << (len(part) - 1).bit_length()  # few widths, so that statements are prepared once
        part += part[-1:] * (width - len(part))
        yield sql.replace("(...)", f"({', '.join('?' * len(part))})"), part
