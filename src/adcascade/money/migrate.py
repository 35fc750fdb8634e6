"""From the first version of the ledger to this one, when its file is opened: not a micro is lost.

The first version moved money between "budget", "lease" and "charged" and knew neither advertisers nor fees. Its
bookings keep their numbers and become those of wallet, lease and revenue; whoever it billed is billed afterwards, in
UTC days. All in one transaction: a crash leaves the old file as it was. Limits that it had in force hold for what is
booked from now on; what it had booked was audited by its own rules.
"""

import sqlite3
from collections.abc import Mapping

from adcascade.errors import StoreError
from adcascade.money.booking import ADD_TO_BALANCE, ADD_TO_WALLET, Sums
from adcascade.money.tables import create, entry_of

OLD = ("bookings", "leases", "balances", "budgets")
INDEXES = ("budgets_campaign", "leases_open", "leases_owner", "bookings_bid")
TRIGGERS = ("bookings_update", "bookings_delete")


def prepare(connection: sqlite3.Connection, advertiser_of: Mapping[str, str]) -> None:
    """Create the tables, out of an older version's where those are there, inside the open transaction."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(bookings)").fetchall()]
    if columns and "kind" not in columns:
        _migrate(connection, advertiser_of)
    create(connection)


def _migrate(connection: sqlite3.Connection, advertiser_of: Mapping[str, str]) -> None:
    for kind, names in (("TRIGGER", TRIGGERS), ("INDEX", INDEXES)):
        for name in names:
            connection.execute(f"DROP {kind} IF EXISTS {name}")
    for table in OLD:
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    create(connection, append_only=())
    connection.create_function("advertiser_of", 1, lambda campaign: advertiser_of.get(campaign, ""), deterministic=True)
    for statement in _COPIES:
        connection.execute(statement)
    connection.create_function("advertiser_of", 1, None)
    _sums(connection)
    _compare(connection)
    for table in OLD:
        connection.execute(f"DROP TABLE old_{table}")


_COPIES = (
    "INSERT INTO bookings (number, time_us, kind, advertiser, campaign, day, source, target, micros, lease, bid_id,"
    " event, note, actor) SELECT number, time_us,"
    " CASE WHEN target = 'charged' THEN 'charge' WHEN target = 'lease' THEN 'lease' ELSE 'release' END,"
    " advertiser_of(campaign), campaign, day,"
    " CASE source WHEN 'budget' THEN 'wallet:' || advertiser_of(campaign) ELSE source END,"
    " CASE target WHEN 'budget' THEN 'wallet:' || advertiser_of(campaign) WHEN 'charged' THEN 'revenue'"
    " ELSE target END,"
    " micros, lease, bid_id, event, '', '' FROM old_bookings ORDER BY number",
    "INSERT INTO leases (id, advertiser, campaign, day, epoch, fee_bp, remainder, expires_us, open)"
    " SELECT id, advertiser_of(campaign), campaign, day, epoch, 0, remainder, expires_us, open FROM old_leases",
    "INSERT INTO budgets (number, campaign, since_us, after_booking, daily, total, advertiser, fee_bp)"
    " SELECT number, campaign, since_us, (SELECT coalesce(max(number), 0) FROM old_bookings), daily, total,"
    " advertiser_of(campaign), 0 FROM old_budgets ORDER BY number",
)


def _sums(connection: sqlite3.Connection) -> None:
    """The kept sums, from the bookings."""
    wallets: dict[str, int] = {}
    balances: dict[tuple[str, int], list[int]] = {}
    for row in connection.execute(
        "SELECT min(time_us), kind, advertiser, campaign, day, source, target, sum(micros), 0, NULL, NULL, NULL, '', ''"
        " FROM bookings GROUP BY kind, advertiser, campaign, day, source, target"
    ):
        sums = Sums((entry_of(row),))
        for advertiser, micros in sums.wallets.items():
            wallets[advertiser] = wallets.get(advertiser, 0) + micros
        for key, balance in sums.balances.items():
            balances[key] = [a + b for a, b in zip(balances.get(key, [0] * 5), balance, strict=True)]
    connection.executemany(ADD_TO_WALLET, wallets.items())
    connection.executemany(ADD_TO_BALANCE, [(*key, *balance) for key, balance in balances.items()])


def _compare(connection: sqlite3.Connection) -> None:
    """StoreError, and with it everything undone, unless the new sums are the old ones."""
    sql = "SELECT campaign, day, leased, charged FROM {} WHERE leased <> 0 OR charged <> 0 ORDER BY campaign, day"
    old, new = (connection.execute(sql.format(table)).fetchall() for table in ("old_balances", "balances"))
    if old != new:
        raise StoreError(
            "the ledger of the older version does not balance, so it was left as it is: "
            f"{len(set(old) ^ set(new))} sums differ from their bookings; restore the file from a backup, or report it"
        )
