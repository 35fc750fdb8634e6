"""Pages of the catalog: the nouns that a filter leaves, in an order, so many at once.

A page begins behind the last noun of the one before (a keyset), so the thousandth costs what the first does, and what
is written meanwhile moves nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Table, func, select, tuple_

from adcascade.catalog.kinds import Kind, Noun
from adcascade.catalog.lines import decode
from adcascade.catalog.tables import TABLE_OF, campaigns
from adcascade.errors import InputError

Sort = Literal["id", "name", "changed"]  # changed: the last first
MOST = 1_000  # nouns of a page
_COLUMN: dict[Sort, str] = {"id": "id", "name": "name", "changed": "version"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a noun must have; "" asks nothing. text: anywhere in its id, name or title, in any case."""

    advertiser: str = ""
    campaign: str = ""
    ad_group: str = ""
    status: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A noun and the version of the catalog that changed it last."""

    noun: Noun
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some nouns in order. next: what to pass as `after` for the page behind; "" where this is the last."""

    nouns: list[Stored]
    next: str
    total: int | None = None  # of all pages; None: nobody asked


def read_page(  # noqa: PLR0917  one question
    connection: Connection, kind: Kind, filters: Filters, sort: Sort, after: str, limit: int, *, count: bool
) -> Page:
    """One page; InputError for a filter that the kind has not, for a limit out of range, for a foreign `after`."""
    if not 1 <= limit <= MOST:
        raise InputError("limit", limit, f"a whole number from 1 to {MOST}")
    if sort not in _COLUMN:
        raise InputError("sort", sort, "id, name or changed")
    table = TABLE_OF[kind]
    conditions = _conditions(kind, table, filters)
    query = _behind(select(table.c.id, table.c[_COLUMN[sort]], table.c.version, table.c.payload), table, sort, after)
    lines = connection.execute(query.where(*conditions).limit(limit + 1)).all()
    more, lines = len(lines) > limit, lines[:limit]
    total = None
    if count:
        total = int(connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())
    return Page(
        nouns=[Stored(decode(kind, payload), version) for _, _, version, payload in lines],
        next=_cursor(sort, lines[-1][1], lines[-1][0]) if more else "",
        total=total,
    )


def _conditions(kind: Kind, table: Table, filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [] if "removed" not in table.c else [table.c.removed.is_(False)]
    for name, value in asdict(filters).items():
        if not value:
            continue
        if name == "text":
            conditions.append(table.c.label.contains(value.casefold(), autoescape=True))
        elif name in table.c:
            conditions.append(table.c[name] == value)
        elif name == "advertiser" and "campaign" in table.c:
            conditions.append(table.c.campaign.in_(select(campaigns.c.id).where(campaigns.c.advertiser == value)))
        else:
            raise InputError(name, value, f"nothing: {kind} have no {name}", "leave it out")
    return conditions


def _behind(query: Select[Any], table: Table, sort: Sort, after: str) -> Select[Any]:
    """In order, behind the cursor."""
    column = table.c[_COLUMN[sort]]
    if sort == "id":
        query = query.order_by(column)
        return query.where(column > _place(sort, after)[1]) if after else query
    key = tuple_(column, table.c.id)
    if sort == "changed":
        query = query.order_by(column.desc(), table.c.id.desc())
        return query.where(key < tuple_(*_place(sort, after))) if after else query
    query = query.order_by(column, table.c.id)
    return query.where(key > tuple_(*_place(sort, after))) if after else query


def _cursor(sort: Sort, key: str | int, noun_id: str) -> str:
    return urlsafe_b64encode(msgspec.json.encode([sort, key, noun_id])).decode().rstrip("=")


def _place(sort: Sort, cursor: str) -> tuple[str | int, str]:
    """Where a cursor points."""
    kind: Any = tuple[Literal["changed"], int, str] if sort == "changed" else tuple[Literal["id", "name"], str, str]
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found, key, noun_id = msgspec.json.decode(text, type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise InputError("after", cursor, "what the page before told", "begin without it") from error
    if found != sort or "\0" in noun_id or "\0" in str(key):
        raise InputError("after", cursor, f"what a page sorted by {sort} told", "begin without it")
    return key, noun_id
