"""Sessions of browsers that were ended before their time, one by one or all of a key."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and the moment in a key's line."""
    op.create_table(
        "ended_sessions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_ended_sessions_expires_us", "ended_sessions", ["expires_us"])
    op.add_column("api_keys", sa.Column("ended_us", sa.BigInteger))
