"""The ledger's tables, in the journal's file.

Truth is `bookings`: append-only, each row moves `micros` from one account of a campaign's day to another, so
that the books balance by construction. Accounts: "budget" (what the day may still give), "lease" (taken
beforehand by a bank), "charged". `leases` and `balances` are sums over the bookings, kept for speed; `verify`
recomputes them. `budgets` keeps every limit that was ever in force.
"""

import sqlite3

import msgspec

SCHEMA = """
CREATE TABLE IF NOT EXISTS owners (
    epoch INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    since_us INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS budgets (
    number INTEGER PRIMARY KEY,
    campaign TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    daily INTEGER,
    total INTEGER
);
CREATE INDEX IF NOT EXISTS budgets_campaign ON budgets (campaign, number);
CREATE TABLE IF NOT EXISTS leases (
    id INTEGER PRIMARY KEY,
    campaign TEXT NOT NULL,
    day INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    remainder INTEGER NOT NULL CHECK (remainder >= 0),
    expires_us INTEGER NOT NULL,
    open INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS leases_open ON leases (expires_us) WHERE open;
CREATE UNIQUE INDEX IF NOT EXISTS leases_owner ON leases (campaign, day, epoch) WHERE open;
CREATE TABLE IF NOT EXISTS bookings (
    number INTEGER PRIMARY KEY,
    time_us INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    day INTEGER NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    micros INTEGER NOT NULL CHECK (micros > 0),
    lease INTEGER NOT NULL,
    bid_id TEXT,
    event TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS bookings_bid ON bookings (bid_id) WHERE bid_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS balances (
    campaign TEXT NOT NULL,
    day INTEGER NOT NULL,
    leased INTEGER NOT NULL,
    charged INTEGER NOT NULL,
    PRIMARY KEY (campaign, day)
) WITHOUT ROWID;
"""

TRIGGERS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS bookings_{verb} BEFORE {verb} ON bookings "
    "BEGIN SELECT RAISE (ABORT, 'bookings are append-only'); END"
    for verb in ("update", "delete")
)


class Budget(msgspec.Struct, frozen=True):
    """A campaign's limits in micros; None: no limit."""

    daily: int | None = None
    total: int | None = None

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.daily is not None or self.total is not None


class Left(msgspec.Struct, frozen=True):
    """What a campaign's limits still allow, neither charged nor leased; None: no limit."""

    day: int | None
    total: int | None

    def micros(self) -> int | None:
        """The smaller of the two, never below zero."""
        limits = [limit for limit in (self.day, self.total) if limit is not None]
        return max(0, min(limits)) if limits else None


def create(connection: sqlite3.Connection) -> None:
    """Create the tables where they are absent, inside the open transaction."""
    for statement in (*SCHEMA.split(";"), *TRIGGERS):
        connection.execute(statement)


def budget_of(connection: sqlite3.Connection, campaign: str) -> Budget:
    """The limits now in force."""
    row = connection.execute(
        "SELECT daily, total FROM budgets WHERE campaign = ? ORDER BY number DESC LIMIT 1", (campaign,)
    ).fetchone()
    return Budget(*row) if row else Budget()


def left(connection: sqlite3.Connection, campaign: str, day: int) -> Left:
    """What the campaign's limits still allow on that day."""
    budget = budget_of(connection, campaign)
    in_day = in_total = None
    if budget.daily is not None:
        row = connection.execute(
            "SELECT leased + charged FROM balances WHERE campaign = ? AND day = ?", (campaign, day)
        ).fetchone()
        in_day = budget.daily - (row[0] if row else 0)
    if budget.total is not None:
        (used,) = connection.execute(
            "SELECT coalesce(sum(leased + charged), 0) FROM balances WHERE campaign = ?", (campaign,)
        ).fetchone()
        in_total = budget.total - used
    return Left(in_day, in_total)


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One booking: `micros` > 0 of a campaign's day from account `source` to account `target`."""

    time_us: int
    campaign: str
    day: int
    source: str
    target: str
    micros: int
    lease: int = 0
    bid_id: str | None = None
    event: str | None = None


def book(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Append the entry and keep the sums; False, and nothing written, where its bid_id was charged before."""
    cursor = connection.execute(
        "INSERT INTO bookings (time_us, campaign, day, source, target, micros, lease, bid_id, event)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bid_id) WHERE bid_id IS NOT NULL DO NOTHING",
        msgspec.structs.astuple(entry),
    )
    if not cursor.rowcount:
        return False
    lease = entry.micros * ((entry.target == "lease") - (entry.source == "lease"))
    charged = entry.micros * (entry.target == "charged")
    if lease:
        connection.execute("UPDATE leases SET remainder = remainder + ? WHERE id = ?", (lease, entry.lease))
    connection.execute(
        "INSERT INTO balances (campaign, day, leased, charged) VALUES (?, ?, ?, ?) ON CONFLICT (campaign, day)"
        " DO UPDATE SET leased = leased + excluded.leased, charged = charged + excluded.charged",
        (entry.campaign, entry.day, lease, charged),
    )
    return True
