"""The audit: everything the ledger keeps as a sum is recomputed from its bookings, and every limit is tried again."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from adcascade.money.sql import Connection
from adcascade.money.tables import WALLET

INTO_LEASE = "CASE WHEN target = 'lease' THEN micros WHEN source = 'lease' THEN -micros ELSE 0 END"
CHARGED = "CASE WHEN target IN ('revenue', 'fee') THEN micros ELSE 0 END"
CHARGED_FEE = "CASE WHEN target = 'fee' THEN micros ELSE 0 END"
REFUNDED = "CASE WHEN source IN ('revenue', 'fee') THEN micros ELSE 0 END"
REFUNDED_FEE = "CASE WHEN source = 'fee' THEN micros ELSE 0 END"
FROM_WALLET = "CASE WHEN substr(source, 1, 7) = 'wallet:' THEN 1 ELSE 0 END"
SUMS = ("leased", "charged", "fee", "refunded", "fee_refunded")


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it must be.

    what: the kept sum that differs from the bookings ("lease", "leased", "charged", "fee", "refunded", "fee_refunded",
    "wallet"), "overspend" (a limit or a wallet that was exceeded), "refund" (more than was charged) or "account" (a
    booking between accounts that do not exist); where: the lease, the campaign and day, the advertiser, the bid;
    micros: by how much.
    """

    what: str
    where: str
    micros: int


def audit(connection: Connection) -> list[Difference]:
    """All differences, read within the open transaction; an empty list where the books are right."""
    return [
        *_accounts(connection),
        *_leases(connection),
        *_balances(connection),
        *_wallets(connection),
        *_refunds(connection),
        *_limits(connection),
    ]


def accounts(connection: Connection) -> dict[str, int]:
    """What every account holds, by its bookings; together zero."""
    held: dict[str, int] = defaultdict(int)
    rows = connection.execute(
        "SELECT source, target, CAST(sum(micros) AS BIGINT) FROM bookings GROUP BY source, target"
    ).fetchall()
    for source, target, micros in rows:
        held[source] -= micros
        held[target] += micros
    return dict(held)


def _accounts(connection: Connection) -> Iterator[Difference]:
    """Money moves only the ways there are."""
    ways = {
        ("outside", "wallet"),
        ("wallet", "outside"),
        ("wallet", "lease"),
        ("lease", "wallet"),
        ("lease", "revenue"),
        ("lease", "fee"),
        ("wallet", "revenue"),
        ("wallet", "fee"),
        ("revenue", "wallet"),
        ("fee", "wallet"),
    }
    rows = connection.execute(
        "SELECT source, target, advertiser, CAST(sum(micros) AS BIGINT) FROM bookings"
        " GROUP BY source, target, advertiser"
    ).fetchall()
    for source, target, advertiser, micros in rows:
        own = [WALLET[:-1] if account == WALLET + advertiser else account for account in (source, target)]
        if (own[0], own[1]) not in ways:
            yield Difference(what="account", where=f"{source} to {target}, advertiser {advertiser!r}", micros=micros)


def _leases(connection: Connection) -> Iterator[Difference]:
    """A lease's remainder is what was granted, less what was charged and given back; nothing once closed."""
    booked = dict(
        connection.execute(
            f"SELECT lease, CAST(sum({INTO_LEASE}) AS BIGINT) FROM bookings WHERE lease > 0 GROUP BY lease"  # noqa: S608  constant text
        ).fetchall()
    )
    for lease, remainder, is_open in connection.execute("SELECT id, remainder, open FROM leases").fetchall():
        if remainder != booked.pop(lease, 0) or (remainder and not is_open):
            yield Difference(what="lease", where=str(lease), micros=remainder)
    for lease, micros in booked.items():
        if micros:
            yield Difference(what="lease", where=f"{lease}, which does not exist", micros=-micros)


def _balances(connection: Connection) -> Iterator[Difference]:
    """The day's sums are those of its bookings."""
    columns = ", ".join(
        f"CAST(sum({column}) AS BIGINT)" for column in (INTO_LEASE, CHARGED, CHARGED_FEE, REFUNDED, REFUNDED_FEE)
    )
    booked = {
        (campaign, day): sums
        for campaign, day, *sums in connection.execute(
            f"SELECT campaign, day, {columns} FROM bookings WHERE campaign <> '' GROUP BY campaign, day"  # noqa: S608  constant text
        ).fetchall()
    }
    kept = {
        (campaign, day): sums
        for campaign, day, *sums in connection.execute(
            "SELECT campaign, day, leased, charged, fee, refunded, fee_refunded FROM balances"
        ).fetchall()
    }
    none = [0] * len(SUMS)
    for key in booked.keys() | kept.keys():
        for what, is_kept, is_booked in zip(SUMS, kept.get(key, none), booked.get(key, none), strict=True):
            if is_kept != is_booked:
                yield Difference(what=what, where=f"{key[0]} day {key[1]}", micros=is_kept - is_booked)


def _wallets(connection: Connection) -> Iterator[Difference]:
    """A wallet holds what its bookings brought less what they took."""
    booked = {
        account[len(WALLET) :]: micros for account, micros in accounts(connection).items() if account.startswith(WALLET)
    }
    for advertiser, micros in connection.execute("SELECT advertiser, micros FROM wallets").fetchall():
        if micros != booked.pop(advertiser, 0):
            yield Difference(what="wallet", where=advertiser, micros=micros)
    for advertiser, micros in booked.items():
        if micros:
            yield Difference(what="wallet", where=advertiser, micros=-micros)


def _refunds(connection: Connection) -> Iterator[Difference]:
    """No bid was refunded more than it was charged, neither in all nor of its fee."""
    rows = connection.execute(
        "SELECT r.bid_id, r.micros - coalesce(c.micros, 0), r.fee - coalesce(c.fee, 0) FROM"  # noqa: S608  constant text
        f" (SELECT bid_id, sum(micros) AS micros, sum({REFUNDED_FEE}) AS fee FROM bookings"
        "   WHERE kind = 'refund' GROUP BY bid_id) r LEFT JOIN"
        f" (SELECT bid_id, sum(micros) AS micros, sum({CHARGED_FEE}) AS fee FROM bookings"
        "   WHERE kind <> 'refund' AND bid_id IN (SELECT bid_id FROM bookings WHERE kind = 'refund')"
        "   GROUP BY bid_id) c ON c.bid_id = r.bid_id"
    ).fetchall()
    for bid, over, fee_over in rows:
        if over > 0 or fee_over > 0:
            yield Difference(what="refund", where=str(bid), micros=int(max(over, fee_over)))


def _limits(connection: Connection) -> Iterator[Difference]:
    """Every booking that took money out of a wallet kept the limits that were in force at that booking.

    A limit that was lowered below what was already promised is no overspend.
    """
    limits = _History(connection, "SELECT campaign, after_booking, daily, total FROM budgets ORDER BY number")
    rules = _History(connection, "SELECT advertiser, after_booking, prepaid FROM advertisers ORDER BY number")
    days: dict[tuple[str, int], int] = defaultdict(int)
    totals: dict[str, int] = defaultdict(int)
    wallets: dict[str, int] = defaultdict(int)
    worst: dict[str, int] = defaultdict(int)
    for number, advertiser, campaign, day, kind, takes, micros in _takings(connection):
        change = micros if takes else -micros
        wallets[advertiser] -= change
        if kind not in ("top_up", "payout", "refund"):
            days[campaign, day] += change
            totals[campaign] += change
        if not takes:
            continue
        daily, total = limits.at(campaign, number) or (None, None)
        (prepaid,) = rules.at(advertiser, number) or (0,)
        if daily is not None:
            _worse(worst, f"{campaign} day {day}", days[campaign, day] - daily)
        if total is not None:
            _worse(worst, f"{campaign} in total", totals[campaign] - total)
        if prepaid:
            _worse(worst, f"wallet of {advertiser}", -wallets[advertiser])
    for where, micros in worst.items():
        yield Difference(what="overspend", where=where, micros=micros)


def _worse(worst: dict[str, int], where: str, over: int) -> None:
    if over > 0:
        worst[where] = max(worst[where], over)


def _takings(connection: Connection) -> Iterator[tuple[int, str, str, int, str, int, int]]:
    """(number, advertiser, campaign, day, kind, takes, micros) of bookings that moved a wallet that can run out."""
    after = 0
    while True:
        rows = connection.execute(
            f"SELECT number, advertiser, campaign, day, kind, {FROM_WALLET}, micros FROM bookings"  # noqa: S608  constant text
            f" WHERE number > ? AND ({FROM_WALLET} = 1 OR substr(target, 1, 7) = 'wallet:') AND (advertiser IN"
            " (SELECT advertiser FROM advertisers WHERE prepaid = 1) OR campaign IN"
            " (SELECT campaign FROM budgets WHERE daily IS NOT NULL OR total IS NOT NULL)) ORDER BY number LIMIT 10000",
            (after,),
        ).fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1][0]


class _History:
    """What was in force for a name at a booking."""

    def __init__(self, connection: Connection, sql: str) -> None:
        self._since: dict[str, list[int]] = defaultdict(list)
        self._terms: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for name, after, *terms in connection.execute(sql).fetchall():
            self._since[name].append(after)
            self._terms[name].append(tuple(terms))

    def at(self, name: str, number: int) -> tuple[Any, ...] | None:
        """The last terms put in force before this booking."""
        place = bisect_left(self._since.get(name, ()), number)
        return self._terms[name][place - 1] if place else None
