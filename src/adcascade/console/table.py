"""Table: rows with sorting, search, and pages that begin after a row, never at a number.

    order    by the sorted column's value, then by the row's id, so that no two rows stand at one place
    cursor   base64url(JSON [value, id]) of the last row shown; the next page holds what comes after it

Rows that come or go between two pages shift nothing: every row that stays is shown exactly once. `page_of` does so for
rows in memory; what lies in a database is cut there, by the same order, and handed over as a `Table` too.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from adcascade.errors import InputError

T = TypeVar("T")
Value = str | float
SIZE = 50  # rows of a page
LONGEST = 200  # characters of a search
_CURSOR = msgspec.json.Decoder(tuple[str | float, str])


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column. number: stands at the right; sortable: its head is a link."""

    name: str
    label: str
    number: bool = False
    sortable: bool = True


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a table's address asks for. sort: a column's name, with "-" before it for the other way round; filters:
    further words of the address that choose rows."""

    sort: str
    search: str = ""
    after: str = ""
    filters: dict[str, str] = {}

    def link(self, url: str, **changes: str) -> str:
        """The address with other words; a page begins anew unless `after` is among them."""
        words = {"sort": self.sort, "search": self.search, **self.filters, **changes}
        return f"{url}?{urlencode({name: value for name, value in words.items() if value})}"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rows to be shown. url: of the page that it stands on; rows_url: where its rows are asked for alone;
    after: cursor of the next page, if there is one; total: how many rows the search found."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: list[msgspec.Struct]
    asked: Asked
    url: str
    rows_url: str
    after: str = ""
    total: int = 0
    empty: str = "Nothing here."

    def order(self, column: Column) -> str:
        """`ascending` or `descending` where the table is sorted by this column; else `none`."""
        if self.asked.sort.lstrip("-") != column.name:
            return "none"
        return "descending" if self.asked.sort.startswith("-") else "ascending"

    def sorted_link(self, column: Column, url: str) -> str:
        """Where the column's head leads: sorted by it, or the other way round."""
        return self.asked.link(url, sort=f"-{column.name}" if self.order(column) == "ascending" else column.name)

    def more_link(self) -> str:
        """Where the next page is."""
        return self.asked.link(self.rows_url, after=self.after)


def asked_of(query: Mapping[str, str], columns: Sequence[Column], default: str, filters: Sequence[str] = ()) -> Asked:
    """What the address asks for; InputError where it names no column. filters: names of further words."""
    sort = query.get("sort", default)
    names = [column.name for column in columns if column.sortable]
    if sort.removeprefix("-") not in names:
        raise InputError("sort", sort, " or ".join(names), "put - before it for the other way round")
    told = {name: query[name] for name in filters if query.get(name)}
    search = query.get("search", "").strip()[:LONGEST]
    return Asked(sort=sort, search=search, after=query.get("after", ""), filters=told)


def cursor_of(value: Value, row_id: str) -> str:
    """The place of a row in its order."""
    return base64.urlsafe_b64encode(msgspec.json.encode((value, row_id))).decode().rstrip("=")


def place_of(cursor: str) -> tuple[Value, str]:
    """The place that a cursor names; InputError where it names none."""
    try:
        return _CURSOR.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (msgspec.DecodeError, binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InputError("after", cursor, "the end of a page of this table", "begin again without it") from error


def page_of(
    rows: Sequence[T],
    asked: Asked,
    value: Callable[[T, str], Value],
    row_id: Callable[[T], str],
    words: Callable[[T], str],
    *,
    size: int = SIZE,
) -> tuple[list[T], str, int]:
    """The rows of a page, the cursor of the next ("" where this is the last), and how many rows the search found.

    value: of a row in a column; row_id: differs from row to row; words: what a search looks into.
    """
    name, down = asked.sort.removeprefix("-"), asked.sort.startswith("-")
    sought = asked.search.casefold().split()
    found = [row for row in rows if all(word in words(row).casefold() for word in sought)]

    def place(row: T) -> tuple[bool, Value, str]:
        told = value(row, name)
        return isinstance(told, str), told, row_id(row)  # numbers before words, so that any two can be compared

    found.sort(key=place, reverse=down)
    rest = found
    if asked.after:
        at, at_id = place_of(asked.after)
        end = (isinstance(at, str), at, at_id)
        rest = [row for row in found if (place(row) < end if down else place(row) > end)]
    page = rest[:size]
    more = cursor_of(value(page[-1], name), row_id(page[-1])) if len(rest) > size else ""
    return page, more, len(found)
