"""Ad groups, the audit log, and columns to page, sort and search by."""

import json
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PAGE = 5_000  # rows filled at once
TEXTS = {
    "advertisers": ("name", "label"),
    "campaigns": ("status", "name", "label"),
    "ads": ("ad_group", "product", "status", "name", "label"),
}
KEYS = {"advertisers": "id", "campaigns": "id", "ads": "row"}
INDEXES = {
    "advertisers": ("version", "name"),
    "campaigns": ("version", "name", "advertiser", "status"),
    "ad_groups": ("version", "name", "campaign", "status"),
    "ads": ("version", "name", "campaign", "ad_group", "status"),
}
SORTED = ("id", "name")  # compared byte by byte on PostgreSQL too
TAKEN = "EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)"
REFUSE = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
SQLITE_GUARDS = (
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {REFUSE}",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {REFUSE}",
    f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN {TAKEN} {REFUSE}",
)
POSTGRESQL_GUARDS = (
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)


def upgrade() -> None:
    """Add columns and tables, fill the columns from the payloads, guard the audit log."""
    for table, names in TEXTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.String, nullable=False, server_default=""))
        _fill(table, names)
    op.create_table(
        "ad_groups",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("campaign", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("who", "action", "kind", "id")),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        _compare_bytes()
    _index()
    for statement in POSTGRESQL_GUARDS if postgresql else SQLITE_GUARDS:
        op.execute(statement)


def _compare_bytes() -> None:
    for table in INDEXES:
        for name in SORTED:
            op.execute(f'ALTER TABLE {table} ALTER COLUMN {name} TYPE VARCHAR COLLATE "C"')


def _index() -> None:
    for name in ("ix_advertisers_version", "ix_campaigns_version", "ix_ads_version", "ix_ads_campaign"):
        op.drop_index(name, name.split("_")[1])
    for table, names in INDEXES.items():
        for name in names:
            op.create_index(f"ix_{table}_{name}", table, [name, "id"])
    op.create_index("ix_ads_product", "ads", ["product"])
    op.create_index("ix_audit_noun", "audit", ["kind", "id", "number"])


def _fill(name: str, columns: Iterable[str]) -> None:
    """Write the new columns of a table from its payloads, page by page."""
    connection, key = op.get_bind(), KEYS[name]
    table = sa.table(name, *map(sa.column, (key, "payload", *columns)))
    at, change = table.c[key], sa.update(table).where(table.c[key] == sa.bindparam("at"))
    after: object = None
    while True:
        query = sa.select(at, table.c.payload).order_by(at).limit(PAGE)
        page = connection.execute(query if after is None else query.where(at > after)).all()
        lines = [{"at": where, **_texts(json.loads(payload), columns)} for where, payload in page]
        if lines:
            connection.execute(change.values({column: sa.bindparam(f"new_{column}") for column in columns}), lines)
        if len(page) < PAGE:
            return
        after = page[-1][0]


def _texts(noun: dict[str, str], columns: Iterable[str]) -> dict[str, str]:
    name = noun.get("title", "") or noun.get("name", "")
    values = {
        "status": noun.get("status", "active"),
        "ad_group": noun.get("ad_group", ""),
        "product": noun.get("product", ""),
        "name": name.casefold()[:100],
        "label": f"{noun['id']} {name}".casefold(),
    }
    return {f"new_{column}": values[column] for column in columns}


def downgrade() -> None:
    """Drop what was added; the audit log is lost."""
    for table, names in INDEXES.items():
        for name in names:
            op.drop_index(f"ix_{table}_{name}", table)
    op.drop_index("ix_ads_product", "ads")
    op.drop_table("audit")
    op.drop_table("ad_groups")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuse()")
    for table, names in TEXTS.items():
        for name in names:
            op.drop_column(table, name)
        op.create_index(f"ix_{table}_version", table, ["version"])
    op.create_index("ix_ads_campaign", "ads", ["campaign"])
