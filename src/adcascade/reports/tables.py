"""The table of saved views in the catalog's database; `catalog/migrations/` builds it."""

from sqlalchemy import BigInteger, Boolean, Column, MetaData, String, Table, Text

saved_views = Table(
    "saved_views",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("owner", String, nullable=False),  # id of the key that saved it; a key has each name once
    Column("name", String, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),  # 1, and one more with every change
    Column("changed_us", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),  # the rest of the SavedView as JSON
)
