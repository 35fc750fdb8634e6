"""The audit: everything the ledger keeps as a sum is recomputed from its bookings."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from adcascade.money.day import day_start
from adcascade.money.tables import Budget


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it must be.

    what: "lease", "leased", "charged" (a kept sum differs from the bookings) or "overspend" (a limit is
    exceeded); where: the lease or the campaign and day; micros: by how much.
    """

    what: str
    where: str
    micros: int


def audit(connection: sqlite3.Connection) -> list[Difference]:
    """All differences, read within the open transaction; an empty list where the books are right."""
    return [*_leases(connection), *_balances(connection), *_limits(connection)]


def _leases(connection: sqlite3.Connection) -> Iterator[Difference]:
    """A lease's remainder is what was granted, less what was charged and given back; nothing once closed."""
    booked = dict(
        connection.execute(
            "SELECT lease, sum(micros * ((target = 'lease') - (source = 'lease'))) FROM bookings GROUP BY lease"
        )
    )
    for lease, remainder, is_open in connection.execute("SELECT id, remainder, open FROM leases"):
        if remainder != booked.get(lease, 0) or (remainder and not is_open):
            yield Difference(what="lease", where=str(lease), micros=remainder - booked.get(lease, 0))


def _balances(connection: sqlite3.Connection) -> Iterator[Difference]:
    """The day's two sums are those of its bookings."""
    booked = {
        (campaign, day): (leased, charged)
        for campaign, day, leased, charged in connection.execute(
            "SELECT campaign, day, sum(micros * ((target = 'lease') - (source = 'lease'))),"
            " sum(micros * (target = 'charged')) FROM bookings GROUP BY campaign, day"
        )
    }
    kept = {
        (campaign, day): (leased, charged)
        for campaign, day, leased, charged in connection.execute("SELECT campaign, day, leased, charged FROM balances")
    }
    for key in booked.keys() | kept.keys():
        for what, is_kept, is_booked in zip(
            ("leased", "charged"), kept.get(key, (0, 0)), booked.get(key, (0, 0)), strict=True
        ):
            if is_kept != is_booked:
                yield Difference(what=what, where=f"{key[0]} day {key[1]}", micros=is_kept - is_booked)


def _limits(connection: sqlite3.Connection) -> Iterator[Difference]:
    """No day above the highest daily limit in force during it, no campaign above its highest total limit.

    A limit that was lowered below what was already promised is no overspend.
    """
    history: dict[str, list[tuple[int, Budget]]] = defaultdict(list)
    for campaign, since_us, daily, total in connection.execute(
        "SELECT campaign, since_us, daily, total FROM budgets ORDER BY number"
    ):
        history[campaign].append((since_us, Budget(daily, total)))
    used: dict[str, int] = defaultdict(int)
    for campaign, day, micros in connection.execute("SELECT campaign, day, leased + charged FROM balances"):
        used[campaign] += micros
        limit = _highest_daily(history[campaign], day)
        if limit is not None and micros > limit:
            yield Difference(what="overspend", where=f"{campaign} day {day}", micros=micros - limit)
    for campaign, micros in used.items():
        totals = [budget.total for _, budget in history[campaign]]
        limits = [total for total in totals if total is not None]
        if limits and len(limits) == len(totals) and micros > max(limits):
            yield Difference(what="overspend", where=f"{campaign} in total", micros=micros - max(limits))


def _highest_daily(history: list[tuple[int, Budget]], day: int) -> int | None:
    """The highest daily limit in force at some instant of the day; None where at some instant there was none.

    A day before the first limit is judged by the first: then the clocks of budgets and charges differ.
    """
    before = [budget for since_us, budget in history if since_us <= day_start(day)]
    during = [budget for since_us, budget in history if day_start(day) < since_us < day_start(day + 1)]
    in_force = [*before[-1:], *during] or [budget for _, budget in history[:1]]
    limits = [budget.daily for budget in in_force if budget.daily is not None]
    return max(limits) if limits and len(limits) == len(in_force) else None
