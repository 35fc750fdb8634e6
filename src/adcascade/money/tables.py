"""The ledger's tables, and the account names of its double entry.

Truth is `bookings`: append-only, each row moves `micros` > 0 from one account to another, so that all accounts together
hold zero by construction. `leases`, `balances` and `wallets` are sums over the bookings, kept for speed; `verify`
recomputes them. `budgets` and `advertisers` keep every limit and rule that was ever in force, and since which booking.
"""

from typing import Literal

import msgspec

from adcascade.money.sql import Connection

OUTSIDE, LEASE, REVENUE, FEE = "outside", "lease", "revenue", "fee"
WALLET = "wallet:"  # and the advertiser's id

Kind = Literal["top_up", "payout", "lease", "release", "charge", "fee", "refund"]

SERIAL = "INTEGER PRIMARY KEY"  # of SQLite: counts by itself; PostgreSQL has another word for it

SCHEMA = """
CREATE TABLE IF NOT EXISTS owners (
    epoch {serial},
    name TEXT NOT NULL,
    since_us BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS budgets (
    number {serial},
    campaign TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    after_booking BIGINT NOT NULL,
    daily BIGINT,
    total BIGINT,
    advertiser TEXT NOT NULL,
    fee_bp BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS budgets_campaign ON budgets (campaign, number);
CREATE TABLE IF NOT EXISTS advertisers (
    number {serial},
    advertiser TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    after_booking BIGINT NOT NULL,
    prepaid BIGINT NOT NULL,
    timezone TEXT NOT NULL,
    begins_us BIGINT NOT NULL,
    held BIGINT NOT NULL,
    held_since_us BIGINT NOT NULL,
    held_until_us BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS advertisers_name ON advertisers (advertiser, number);
CREATE TABLE IF NOT EXISTS leases (
    id {serial},
    advertiser TEXT NOT NULL,
    campaign TEXT NOT NULL,
    day BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    fee_bp BIGINT NOT NULL,
    remainder BIGINT NOT NULL CHECK (remainder >= 0),
    expires_us BIGINT NOT NULL,
    open BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS leases_open ON leases (expires_us) WHERE open = 1;
CREATE UNIQUE INDEX IF NOT EXISTS leases_owner ON leases (campaign, day, epoch) WHERE open = 1;
CREATE TABLE IF NOT EXISTS bookings (
    number {serial},
    time_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    advertiser TEXT NOT NULL,
    campaign TEXT NOT NULL,
    day BIGINT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    micros BIGINT NOT NULL CHECK (micros > 0),
    lease BIGINT NOT NULL,
    bid_id TEXT,
    event TEXT,
    transfer TEXT,
    note TEXT NOT NULL,
    actor TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS bookings_bid ON bookings (bid_id, kind) WHERE bid_id IS NOT NULL AND kind <> 'refund';
CREATE INDEX IF NOT EXISTS bookings_refund ON bookings (bid_id) WHERE kind = 'refund';
CREATE INDEX IF NOT EXISTS bookings_advertiser ON bookings (advertiser, number);
CREATE UNIQUE INDEX IF NOT EXISTS bookings_transfer ON bookings (transfer, source) WHERE transfer IS NOT NULL;
CREATE TABLE IF NOT EXISTS balances (
    campaign TEXT NOT NULL,
    day BIGINT NOT NULL,
    leased BIGINT NOT NULL,
    charged BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    fee_refunded BIGINT NOT NULL,
    PRIMARY KEY (campaign, day)
);
CREATE INDEX IF NOT EXISTS balances_day ON balances (day);
CREATE TABLE IF NOT EXISTS wallets (
    advertiser TEXT PRIMARY KEY,
    micros BIGINT NOT NULL
);
"""

APPEND_ONLY = tuple(
    f"CREATE TRIGGER IF NOT EXISTS bookings_{verb} BEFORE {verb} ON bookings "
    "BEGIN SELECT RAISE (ABORT, 'bookings are append-only'); END"
    for verb in ("update", "delete")
)  # as SQLite writes it


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One booking: `micros` > 0 from account `source` to account `target`.

    advertiser and day (its own, local): whose statement it belongs to; campaign, lease, bid_id, event: what it was
    for, "", 0 and None where it does not concern them; transfer, note, by: of a person's order.
    """

    time_us: int
    kind: Kind
    advertiser: str
    campaign: str
    day: int
    source: str
    target: str
    micros: int
    lease: int = 0
    bid_id: str | None = None
    event: str | None = None
    transfer: str | None = None
    note: str = ""
    by: str = ""


ENTRY = "time_us, kind, advertiser, campaign, day, source, target, micros, lease, bid_id, event, transfer, note, actor"


def create(connection: Connection, *, serial: str = SERIAL, append_only: tuple[str, ...] = APPEND_ONLY) -> None:
    """Create the tables where they are absent, inside the open transaction."""
    for statement in (*SCHEMA.format(serial=serial).split(";"), *append_only):
        if statement.strip():
            connection.execute(statement)


def entry_of(row: tuple[object, ...]) -> Entry:
    """The entry of a row of the columns ENTRY."""
    return msgspec.convert(dict(zip(Entry.__struct_fields__, row, strict=True)), Entry)
