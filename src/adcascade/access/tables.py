"""The table of API keys in the catalog's database; `catalog/migrations/` builds it."""

from sqlalchemy import BigInteger, Column, MetaData, String, Table, Text

keys = Table(
    "api_keys",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("digest", String, nullable=False),  # SHA-256 of the secret
    Column("payload", Text, nullable=False),  # the Key as JSON, but for what follows
    Column("revoked_us", BigInteger),
    Column("used_us", BigInteger),
)
