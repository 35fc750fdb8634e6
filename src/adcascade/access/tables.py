"""The tables of API keys and of ended sessions in the catalog's database; `catalog/migrations/` builds them."""

from sqlalchemy import BigInteger, Column, MetaData, String, Table, Text

metadata = MetaData()
keys = Table(
    "api_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("digest", String, nullable=False),  # SHA-256 of the secret
    Column("payload", Text, nullable=False),  # the Key as JSON, but for what follows
    Column("revoked_us", BigInteger),
    Column("used_us", BigInteger),
    Column("ended_us", BigInteger),  # sessions that began until then are over
)
ended = Table(
    "ended_sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("expires_us", BigInteger, nullable=False, index=True),  # the line is of no use afterwards
)
