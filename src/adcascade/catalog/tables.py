"""The tables of the catalog's database; `migrations/` builds them.

A noun lies in `payload`, as JSON without the fields that are as by default; the other columns repeat what is asked by.
On PostgreSQL texts that are sorted by compare byte by byte, as in SQLite: a page has one order everywhere.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from adcascade.catalog.kinds import Kind

metadata = MetaData()

# One line: every writer updates it first, so that writers come one after another on any database.
state = Table(
    "catalog_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),  # rises by one with every write
    Column("next_row", BigInteger, nullable=False),  # of the next new ad
)


def _common() -> list[Column[object]]:
    """What every kind has."""
    return [
        Column("version", BigInteger, nullable=False),  # of the write that changed it last
        Column("name", String, nullable=False),  # folded, to sort by
        Column("label", String, nullable=False),  # id and name, folded, to search in
        Column("payload", Text, nullable=False),
    ]


advertisers = Table("advertisers", metadata, Column("id", String, primary_key=True), *_common())

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String, primary_key=True),
    Column("advertiser", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("status", String, nullable=False),
    *_common(),
)

ad_groups = Table(
    "ad_groups",
    metadata,
    Column("id", String, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("status", String, nullable=False),
    *_common(),
)

ads = Table(
    "ads",
    metadata,
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("campaign", String, nullable=False),
    Column("ad_group", String, nullable=False),
    Column("product", String, nullable=False),
    Column("status", String, nullable=False),
    Column("removed", Boolean, nullable=False),  # a tombstone keeps the row taken
    *_common(),
)

# Append-only: triggers refuse to change or delete a line.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("time_us", BigInteger, nullable=False),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("version", BigInteger, nullable=False),  # of the catalog after the write
    Column("before", Text),  # JSON, as in payload
    Column("after", Text),
)

TABLE_OF: dict[Kind, Table] = {"advertisers": advertisers, "campaigns": campaigns, "ad_groups": ad_groups, "ads": ads}

for _table in TABLE_OF.values():
    Index(f"ix_{_table.name}_version", _table.c.version, _table.c.id)
    Index(f"ix_{_table.name}_name", _table.c.name, _table.c.id)
    for _column in ("advertiser", "campaign", "ad_group", "status"):
        if _column in _table.c:
            Index(f"ix_{_table.name}_{_column}", _table.c[_column], _table.c.id)
Index("ix_ads_product", ads.c.product)
Index("ix_audit_noun", audit.c.kind, audit.c.id, audit.c.number)
