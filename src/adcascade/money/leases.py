"""Leases: money taken from a wallet beforehand, for one owner, campaign and day.

A lease is granted, durably, before anything is promised against it: never more than the day's limit, the total limit
and, of who pays beforehand, the wallet still allow. What is not charged when it ends goes back.
"""

from collections.abc import Iterable

import msgspec

from adcascade.errors import StoreError
from adcascade.money.booking import book
from adcascade.money.day import Day
from adcascade.money.sql import Connection, lock
from adcascade.money.tables import LEASE, WALLET, Entry
from adcascade.money.terms import NO_TERMS, Left, Terms, left, locked_terms


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a bank that asked for money: the lease (0: none) and its day, what was added, what is left."""

    lease: int
    granted: int
    expires_us: int
    left: Left
    day: Day


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a bank asks for: at least `least` micros, or a `share`-th of what is left, if that is more.

    expires_us: when the lease shall end at the latest; ttl_us: it ends so long after its day at the latest, the life
    of a promise. The day is that of the campaign's advertiser at `now_us`, as the ledger knows it.
    """

    epoch: int
    campaign: str
    least: int
    share: int
    expires_us: int
    ttl_us: int
    now_us: int


def claim(connection: Connection, name: str, now_us: int) -> int:
    """A new epoch of the owner `name`."""
    (epoch,) = connection.execute(
        "INSERT INTO owners (name, since_us) VALUES (?, ?) RETURNING epoch", (name, now_us)
    ).fetchone()
    return int(epoch)


def grant(connection: Connection, ask: Ask) -> Grant:
    """Add to the owner's lease of this campaign and day, or open one; StoreError if fenced off."""
    terms = locked_terms(connection, (ask.campaign,)).get(ask.campaign, NO_TERMS)
    _fence(connection, ask.epoch)
    day = terms.calendar.day(ask.now_us)
    free = left(connection, ask.campaign, terms, day.number).micros()
    micros = ask.least if free is None else min(free, max(ask.least, free // ask.share))
    lease, expires_us = _lease(connection, ask, terms, day, micros=micros)
    if micros:
        _move(connection, (lease, terms.budget.advertiser, ask.campaign, day.number), micros, ask.now_us)
    remains = left(connection, ask.campaign, terms, day.number)
    return Grant(lease=lease, granted=micros, expires_us=expires_us, left=remains, day=day)


def give_back(connection: Connection, lease: int, micros: int, now_us: int) -> int:
    """Return up to `micros` of the lease's uncharged remainder; how much that was."""
    for advertiser, campaign, day, _ in _locked(connection, (lease,)):
        (remainder,) = connection.execute("SELECT remainder FROM leases WHERE id = ?", (lease,)).fetchone()
        back = max(0, min(micros, int(remainder)))
        if back:
            _move(connection, (lease, advertiser, campaign, day), -back, now_us)
        return back
    return 0


def close_expired(connection: Connection, now_us: int) -> dict[int, str]:
    """Close every lease, of any owner, whose time is over and return its remainder: lease -> campaign."""
    over = connection.execute("SELECT id FROM leases WHERE open = 1 AND expires_us <= ?", (now_us,)).fetchall()
    closed = {}
    for advertiser, campaign, day, lease in _locked(connection, [lease for (lease,) in over]):
        row = connection.execute(
            "SELECT remainder FROM leases WHERE id = ? AND open = 1 AND expires_us <= ?", (lease, now_us)
        ).fetchone()
        if row is None:
            continue  # another closed or prolonged it while this one waited for the lock
        if row[0]:
            _move(connection, (lease, advertiser, campaign, day), -row[0], now_us)
        connection.execute("UPDATE leases SET open = 0 WHERE id = ?", (lease,))
        closed[lease] = campaign
    return closed


def _lease(connection: Connection, ask: Ask, terms: Terms, day: Day, *, micros: int) -> tuple[int, int]:
    """(number, end) of the owner's open lease, prolonged, or of a new one for the micros; number 0: none."""
    expires_us = min(ask.expires_us, day.ends_us + ask.ttl_us)
    row = connection.execute(
        "SELECT id, advertiser, expires_us FROM leases WHERE campaign = ? AND day = ? AND epoch = ? AND open = 1",
        (ask.campaign, day.number, ask.epoch),
    ).fetchone()
    if row is not None and row[1] != terms.budget.advertiser:  # the campaign was sold: its old lease ends by itself
        connection.execute("UPDATE leases SET epoch = -id WHERE id = ?", (row[0],))
        row = None
    if row is not None:
        lease, _, ends_us = row
        connection.execute(
            "UPDATE leases SET expires_us = ?, fee_bp = ? WHERE id = ?",
            (max(ends_us, expires_us), terms.budget.fee_bp, lease),
        )
        return int(lease), max(ends_us, expires_us)
    if not micros:
        return 0, expires_us
    (lease,) = connection.execute(
        "INSERT INTO leases (advertiser, campaign, day, epoch, fee_bp, remainder, expires_us, open)"
        " VALUES (?, ?, ?, ?, ?, 0, ?, 1) RETURNING id",
        (terms.budget.advertiser, ask.campaign, day.number, ask.epoch, terms.budget.fee_bp, expires_us),
    ).fetchone()
    return int(lease), expires_us


def _fence(connection: Connection, epoch: int) -> None:
    """Refuse an owner whose name another has claimed since."""
    newer = connection.execute(
        "SELECT n.epoch FROM owners o JOIN owners n ON n.name = o.name AND n.epoch > o.epoch WHERE o.epoch = ?",
        (epoch,),
    ).fetchone()
    if newer:
        raise StoreError(
            f"budgets owner {epoch} was replaced by owner {newer[0]}; stop this process, or give it its own owner name"
        )


def _locked(connection: Connection, leases: Iterable[int]) -> list[tuple[str, str, int, int]]:
    """(advertiser, campaign, day, number) of those that are open, their advertisers locked."""
    rows = []
    for number in leases:
        row = connection.execute(
            "SELECT advertiser, campaign, day, id FROM leases WHERE id = ? AND open = 1", (number,)
        ).fetchone()
        if row is not None:
            rows.append(row)
    lock(connection, (advertiser for advertiser, _, _, _ in rows))
    return rows


def _move(connection: Connection, lease: tuple[int, str, str, int], micros: int, now_us: int) -> None:
    """Book micros from the wallet into the lease (number, advertiser, campaign, day), or back where negative."""
    number, advertiser, campaign, day = lease
    wallet = WALLET + advertiser
    source, target = (wallet, LEASE) if micros > 0 else (LEASE, wallet)
    entry = Entry(
        time_us=now_us,
        kind="lease" if micros > 0 else "release",
        advertiser=advertiser,
        campaign=campaign,
        day=day,
        source=source,
        target=target,
        micros=abs(micros),
        lease=number,
    )
    book(connection, (entry,))
