"""Ad rows: what rows of the log are in the catalog, and which rows ads have, without the rest of them."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from adcascade.catalog.lines import chunks
from adcascade.catalog.tables import ads


class AdPlace(NamedTuple):
    """Whose an ad is, and of what; those that were removed too."""

    campaign: str
    category: str


class _Ad(msgspec.Struct):
    category: str = ""


def read_places(connection: Connection, rows: Sequence[int]) -> dict[int, AdPlace]:
    """By row, those of the rows that the catalog ever gave away."""
    category = msgspec.json.Decoder(_Ad).decode
    query = select(ads.c.row, ads.c.campaign, ads.c.payload)
    return {
        row: AdPlace(campaign, category(payload).category)
        for chunk in chunks(rows)
        for row, campaign, payload in connection.execute(query.where(ads.c.row.in_(chunk)))
    }


def read_rows(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """The rows of these ads, those that the catalog holds or ever held."""
    query = select(ads.c.id, ads.c.row)
    return {noun: row for chunk in chunks(ids) for noun, row in connection.execute(query.where(ads.c.id.in_(chunk)))}
