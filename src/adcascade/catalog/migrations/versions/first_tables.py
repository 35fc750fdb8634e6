"""The first tables: the state, advertisers, campaigns and ads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the four tables and the line of state."""
    state = op.create_table(
        "catalog_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("next_row", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(state, [{"id": 1, "version": 0, "next_row": 0}])
    op.create_table(
        "advertisers",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("advertiser", sa.String, nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_table(
        "ads",
        sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("campaign", sa.String, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    for table in ("advertisers", "campaigns", "ads"):
        op.create_index(f"ix_{table}_version", table, ["version"])
    op.create_index("ix_ads_campaign", "ads", ["campaign"])


def downgrade() -> None:
    """Drop them."""
    for table in ("ads", "campaigns", "advertisers", "catalog_state"):
        op.drop_table(table)
