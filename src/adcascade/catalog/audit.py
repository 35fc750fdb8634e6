"""The audit log: who changed what, when, from what to what; written in the transaction of the change, for good.

create, replace, status, remove    one noun; before and after tell the fields that are not as by default
offer                              stock, price or margin of one ad; before and after tell those alone
import                             one line for many nouns; after tells how many of each kind
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Select, insert, select

from adcascade.catalog.kinds import Kind
from adcascade.catalog.tables import audit

Action = Literal["create", "replace", "status", "remove", "offer", "import"]
Auditing = Literal["each", "summary"]  # a line for each noun, or one for the whole call


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes, and when. time_us: None is now, by this machine's clock."""

    who: str = "cli"
    time_us: int | None = None

    @property
    def stamp_us(self) -> int:
        """The time that is written down."""
        return time.time_ns() // 1000 if self.time_us is None else self.time_us


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. kind and id are "" where the line is of many nouns; version: of the catalog after the write."""

    number: int
    time_us: int
    who: str
    action: Action
    kind: Kind | Literal[""]
    id: str
    version: int
    before: dict[str, Any] | None  # None: it was not there
    after: dict[str, Any] | None  # None: it is no more


class Entry(msgspec.Struct, frozen=True):
    """What one change adds to the log. before, after: JSON."""

    action: Action
    kind: Kind | Literal[""]
    id: str
    before: str | None
    after: str | None


def write_entries(connection: Connection, author: Author, version: int, entries: Sequence[Entry]) -> None:
    """Append; part of the caller's transaction."""
    if entries:
        common = {"time_us": author.stamp_us, "who": author.who, "version": version}
        connection.execute(insert(audit), [common | msgspec.structs.asdict(entry) for entry in entries])


def read_lines(
    connection: Connection, after: int, limit: int, *, kind: Kind | None = None, noun_id: str = ""
) -> list[AuditLine]:
    """The first `limit` lines with a number above `after`, in order; of one noun, or of all."""
    query = select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(limit)
    if kind is not None:
        query = query.where(audit.c.kind == kind, audit.c.id == noun_id)
    return _lines(connection, query)


def read_last(connection: Connection, before: int | None, limit: int, kind: Kind, noun_id: str) -> list[AuditLine]:
    """The last `limit` lines of one noun with a number below `before`, newest first."""
    query = select(audit).where(audit.c.kind == kind, audit.c.id == noun_id).order_by(audit.c.number.desc())
    return _lines(connection, (query if before is None else query.where(audit.c.number < before)).limit(limit))


def _lines(connection: Connection, query: Select[Any]) -> list[AuditLine]:
    return [
        AuditLine(
            number=found.number,
            time_us=found.time_us,
            who=found.who,
            action=found.action,
            kind=found.kind,
            id=found.id,
            version=found.version,
            before=_document(found.before),
            after=_document(found.after),
        )
        for found in connection.execute(query)
    ]


def last_mark(connection: Connection, version: int) -> str:
    """What names the last line that was written up to a version."""
    query = select(audit.c.number, audit.c.version, audit.c.time_us, audit.c.who, audit.c.kind, audit.c.id)
    found = connection.execute(query.where(audit.c.version <= version).order_by(audit.c.number.desc()).limit(1)).first()
    told = msgspec.json.encode(None if found is None else tuple(found))
    return hashlib.sha256(told).hexdigest()[:16]


def _document(text: str | None) -> dict[str, Any] | None:
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])
