"""The tables of the catalog's database; `migrations/` builds them."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

# One line: every writer updates it first, so that writers come one after another on any database.
state = Table(
    "catalog_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),  # rises by one with every write
    Column("next_row", BigInteger, nullable=False),  # of the next new ad
)

advertisers = Table(
    "advertisers",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),  # the noun as JSON
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String, primary_key=True),
    Column("advertiser", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
)

ads = Table(
    "ads",
    metadata,
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("campaign", String, nullable=False),
    Column("removed", Boolean, nullable=False),  # a tombstone keeps the row taken
    Column("version", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
)

Index("ix_advertisers_version", advertisers.c.version)
Index("ix_campaigns_version", campaigns.c.version)
Index("ix_ads_version", ads.c.version)
Index("ix_ads_campaign", ads.c.campaign)
