"""Campaign list: campaigns beside their advertisers, as a person looks for them among ten thousand.

Sought by words of the campaign or its advertiser, filtered, sorted by any column either way, and read page by page
behind the last place of the page before (a keyset), so that what is written meanwhile moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, func, or_, select, tuple_

from adcascade.catalog.nouns import Advertiser, Campaign, Status
from adcascade.catalog.tables import advertisers, audit, campaigns
from adcascade.errors import InputError

Order = Literal["name", "id", "advertiser", "status", "changed"]
Place = tuple[str | float, str]  # a row's value in the sorted column, and its id
_COLUMN = {
    "name": campaigns.c.name,
    "id": campaigns.c.id,
    "advertiser": advertisers.c.name,
    "status": campaigns.c.status,
    "changed": campaigns.c.version,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a campaign must have; "" and () ask nothing."""

    words: tuple[str, ...] = ()  # each anywhere in the id or name of the campaign or its advertiser, in any case
    status: Status | Literal[""] = ""
    advertiser: str = ""
    sees: tuple[str, ...] = ()  # only campaigns of these advertisers


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A campaign and who pays for it. changed_us: None where it only ever came with an import of many."""

    campaign: Campaign
    advertiser: Advertiser
    version: int
    changed_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPage:
    """Some campaigns in order. after: the place of the last one; None where no page follows. total: of all pages."""

    rows: list[Listed]
    after: Place | None
    total: int


def read_campaigns(
    connection: Connection, wanted: Wanted, order: Order, after: Place | None, limit: int, *, down: bool
) -> CampaignPage:
    """One page; InputError for a place that is none of this order, and for texts that no database holds."""
    key, conditions = _COLUMN[order], _conditions(wanted)
    ends = (key.desc(), campaigns.c.id.desc()) if down else (key, campaigns.c.id)
    joined = campaigns.join(advertisers, campaigns.c.advertiser == advertisers.c.id)
    query = select(key, campaigns.c.id, campaigns.c.version, campaigns.c.payload, advertisers.c.payload)
    query = query.select_from(joined).where(*conditions).order_by(*ends)
    if after is not None:
        place, at = tuple_(key, campaigns.c.id), tuple_(*_checked(order, after))
        query = query.where(place < at if down else place > at)
    lines = connection.execute(query.limit(limit + 1)).all()
    total = connection.execute(select(func.count()).select_from(joined).where(*conditions)).scalar_one()
    more, lines = len(lines) > limit, lines[:limit]
    changed = _changed(connection, [line[1] for line in lines])
    rows = [
        Listed(
            campaign=msgspec.json.decode(payload, type=Campaign),
            advertiser=msgspec.json.decode(payer, type=Advertiser),
            version=version,
            changed_us=changed.get(noun_id),
        )
        for _, noun_id, version, payload, payer in lines
    ]
    return CampaignPage(rows=rows, after=(lines[-1][0], lines[-1][1]) if more else None, total=int(total))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    for text in (*wanted.words, wanted.advertiser):
        if "\0" in text:
            raise InputError("search", text, "a text without the character of number 0")
    conditions: list[ColumnElement[bool]] = [
        or_(*(table.c.label.contains(word.casefold(), autoescape=True) for table in (campaigns, advertisers)))
        for word in wanted.words
    ]
    if wanted.status:
        conditions.append(campaigns.c.status == wanted.status)
    if wanted.advertiser:
        conditions.append(campaigns.c.advertiser == wanted.advertiser)
    if wanted.sees:
        conditions.append(campaigns.c.advertiser.in_(wanted.sees))
    return conditions


def _checked(order: Order, after: Place) -> tuple[str | int, str]:
    """The place as the database compares it."""
    value, noun_id = after
    if isinstance(value, str) == (order == "changed") or "\0" in f"{value}{noun_id}":
        raise InputError("after", value, f"the end of a page sorted by {order}", "begin again without it")
    return (value if isinstance(value, str) else int(value)), noun_id


def _changed(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """When each was changed last, by the audit log."""
    query = select(audit.c.id, func.max(audit.c.time_us)).where(audit.c.kind == "campaigns", audit.c.id.in_(ids))
    return {noun_id: int(time_us) for noun_id, time_us in connection.execute(query.group_by(audit.c.id))}
