"""The ledger: every micro of every budget, in the same file and the same transactions as the events.

For each campaign and day

    charged + open leases' uncharged remainder <= daily budget

and the same over all days with the total budget. A lease is taken from the budget, durably, before anything is
promised against it; a charge moves money from its lease to "charged"; an expired lease gives the rest back.
"""

import sqlite3
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import msgspec

from adcascade.errors import InputError, StoreError
from adcascade.events.journal import Journal
from adcascade.money.audit import Difference, audit
from adcascade.money.charge import Charge
from adcascade.money.day import day_of
from adcascade.money.tables import Budget, Entry, Left, book, budget_of, create, left

__all__ = ["Budget", "Charge", "Difference", "Grant", "Ledger", "Left"]


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a bank that asked for money: the lease (0: none), what was added to it, what is left."""

    lease: int
    granted: int
    expires_us: int
    left: Left


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a bank asks for: at least `least` micros, or a `share`-th of what is left, if that is more."""

    epoch: int
    campaign: str
    least: int
    share: int
    expires_us: int
    now_us: int


class Ledger:
    """The books in the file of `journal`. Writing goes through the journal's commits; any thread may call."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        journal.transact(create).result()

    def claim(self, name: str, now_us: int) -> int:
        """Become the owner `name`: a new epoch, after which older owners of that name are granted nothing."""
        return self._journal.transact(lambda connection: _claim(connection, name, now_us)).result()

    def set_budgets(self, budgets: Mapping[str, Budget], now_us: int) -> "Future[dict[str, Left]]":
        """Put the limits of campaigns in force; what they still allow today."""
        for campaign, budget in budgets.items():
            for field, limit in (("daily", budget.daily), ("total", budget.total)):
                if limit is not None and not 0 <= limit < 2**62:
                    raise InputError(f"{campaign}.{field}_budget_micros", limit, "from 0 to 2**62")
        return self._journal.transact(lambda connection: _set_budgets(connection, budgets, now_us))

    def grant(self, ask: Ask) -> "Future[Grant]":
        """Add to the owner's lease of this campaign and day, or open one; StoreError if fenced off."""
        return self._journal.transact(lambda connection: _grant(connection, ask))

    def give_back(self, lease: int, micros: int, now_us: int) -> "Future[int]":
        """Return up to `micros` of the lease's uncharged remainder to its budget; how much that was."""
        return self._journal.transact(lambda connection: _give_back(connection, lease, micros, now_us))

    def close_expired(self, now_us: int) -> "Future[dict[int, str]]":
        """Close every lease, of any owner, whose time is over and return its remainder: lease -> campaign."""
        return self._journal.transact(lambda connection: _close_expired(connection, now_us))

    def left(self, campaign: str, now_us: int) -> Left:
        """What the campaign's limits still allow today, neither charged nor leased."""
        return self._journal.transact(lambda connection: left(connection, campaign, day_of(now_us))).result()

    def spent(self, campaign: str, day: int | None = None) -> int:
        """Micros charged to a campaign on a UTC day (see `day_of`), or ever."""
        where, values = ("", (campaign,)) if day is None else (" AND day = ?", (campaign, day))
        sql = f"SELECT coalesce(sum(charged), 0) FROM balances WHERE campaign = ?{where}"  # noqa: S608  constant text
        return int(self._journal.query(sql, values)[0][0])

    def charges(self, campaign: str | None = None) -> list[dict[str, Any]]:
        """Every charge in order: number, time_us, campaign, day, micros, lease, bid_id, event."""
        names = ("number", "time_us", "campaign", "day", "micros", "lease", "bid_id", "event")
        rows = self._journal.query(
            f"SELECT {', '.join(names)} FROM bookings WHERE target = 'charged'"  # noqa: S608  constant text
            " AND (? IS NULL OR campaign = ?) ORDER BY number",
            (campaign, campaign),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def report(self) -> list[dict[str, Any]]:
        """One row per campaign and day: campaign, day, charged, leased, and the limits now in force."""
        rows = self._journal.query(
            "SELECT campaign, day, charged, leased,"
            " (SELECT daily FROM budgets b WHERE b.campaign = a.campaign ORDER BY number DESC LIMIT 1),"
            " (SELECT total FROM budgets b WHERE b.campaign = a.campaign ORDER BY number DESC LIMIT 1)"
            " FROM balances a ORDER BY campaign, day"
        )
        names = ("campaign", "day", "charged", "leased", "daily_budget", "total_budget")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def verify(self) -> list[Difference]:
        """Recompute every balance from the bookings: what differs, and every overspent limit. Empty: all is right."""
        return self._journal.transact(audit).result()

    def overspend_micros(self) -> int:
        """Micros charged above a limit, summed over campaigns; always 0 unless adcascade is wrong."""
        return sum(difference.micros for difference in self.verify() if difference.what == "overspend")


def _claim(connection: sqlite3.Connection, name: str, now_us: int) -> int:
    return int(connection.execute("INSERT INTO owners (name, since_us) VALUES (?, ?)", (name, now_us)).lastrowid or 0)


def _set_budgets(connection: sqlite3.Connection, budgets: Mapping[str, Budget], now_us: int) -> dict[str, Left]:
    allowed = {}
    for campaign, budget in budgets.items():
        known = connection.execute("SELECT 1 FROM budgets WHERE campaign = ?", (campaign,)).fetchone()
        if not known or budget != budget_of(connection, campaign):
            connection.execute(
                "INSERT INTO budgets (campaign, since_us, daily, total) VALUES (?, ?, ?, ?)",
                (campaign, now_us, budget.daily, budget.total),
            )
        allowed[campaign] = left(connection, campaign, day_of(now_us))
    return allowed


def _grant(connection: sqlite3.Connection, ask: Ask) -> Grant:
    _fence(connection, ask.epoch)
    day = day_of(ask.now_us)
    free = left(connection, ask.campaign, day).micros()
    micros = ask.least if free is None else min(free, max(ask.least, free // ask.share))
    row = connection.execute(
        "SELECT id, expires_us FROM leases WHERE campaign = ? AND day = ? AND epoch = ? AND open",
        (ask.campaign, day, ask.epoch),
    ).fetchone()
    lease, expires_us = row or (0, ask.expires_us)
    if lease and expires_us < ask.expires_us:
        connection.execute("UPDATE leases SET expires_us = ? WHERE id = ?", (ask.expires_us, lease))
        expires_us = ask.expires_us
    if not lease and micros:
        cursor = connection.execute(
            "INSERT INTO leases (campaign, day, epoch, remainder, expires_us, open) VALUES (?, ?, ?, 0, ?, 1)",
            (ask.campaign, day, ask.epoch, expires_us),
        )
        lease = int(cursor.lastrowid or 0)
    if micros:
        _move(connection, (lease, ask.campaign, day), micros, ask.now_us)
    return Grant(lease=lease, granted=micros, expires_us=expires_us, left=left(connection, ask.campaign, day))


def _fence(connection: sqlite3.Connection, epoch: int) -> None:
    """Refuse an owner whose name another has claimed since."""
    newer = connection.execute(
        "SELECT n.epoch FROM owners o JOIN owners n ON n.name = o.name AND n.epoch > o.epoch WHERE o.epoch = ?",
        (epoch,),
    ).fetchone()
    if newer:
        raise StoreError(
            f"budgets owner {epoch} was replaced by owner {newer[0]}; stop this process, or give it its own owner name"
        )


def _move(connection: sqlite3.Connection, lease: tuple[int, str, int], micros: int, now_us: int) -> None:
    """Book micros from the budget into the lease (id, campaign, day), or back where negative."""
    number, campaign, day = lease
    source, target = ("budget", "lease") if micros > 0 else ("lease", "budget")
    entry = Entry(
        time_us=now_us, campaign=campaign, day=day, source=source, target=target, micros=abs(micros), lease=number
    )
    book(connection, entry)


def _give_back(connection: sqlite3.Connection, lease: int, micros: int, now_us: int) -> int:
    row = connection.execute("SELECT campaign, day, remainder FROM leases WHERE id = ? AND open", (lease,)).fetchone()
    if row is None:
        return 0
    back = min(micros, int(row[2]))
    if back > 0:
        _move(connection, (lease, row[0], row[1]), -back, now_us)
    return max(0, back)


def _close_expired(connection: sqlite3.Connection, now_us: int) -> dict[int, str]:
    rows = connection.execute(
        "SELECT id, campaign, day, remainder FROM leases WHERE open AND expires_us <= ?", (now_us,)
    ).fetchall()
    for lease, campaign, day, remainder in rows:
        if remainder:
            _move(connection, (lease, campaign, day), -remainder, now_us)
        connection.execute("UPDATE leases SET open = 0 WHERE id = ?", (lease,))
    return {lease: campaign for lease, campaign, _, _ in rows}
