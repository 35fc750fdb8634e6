"""Leases: money taken from a wallet beforehand, for one owner, campaign and day.

A lease is granted, durably, before anything is promised against it: never more than the day's limit, the total limit
and, of who pays beforehand, the wallet still allow. What is not charged when it ends goes back.
"""

from collections.abc import Sequence

import msgspec

from adcascade.errors import StoreError
from adcascade.money.booking import book
from adcascade.money.day import Day
from adcascade.money.facts import Facts
from adcascade.money.sql import Connection, rows_of
from adcascade.money.tables import LEASE, WALLET, Entry
from adcascade.money.terms import NO_TERMS, Budget, Left, terms_of


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
    (granted,) = grant_many(connection, (ask,))
    if isinstance(granted, StoreError):
        raise granted
    return granted


def grant_many(connection: Connection, asks: Sequence[Ask]) -> "list[Grant | StoreError]":
    """Grants in their order, by a constant number of statements; the answer to who is fenced off is the error."""
    if not asks:
        return []
    facts = Facts(terms=terms_of(connection, {ask.campaign for ask in asks}))
    replaced = _replaced(connection, asks)
    days = [facts.terms.get(ask.campaign, NO_TERMS).calendar.day(ask.now_us) for ask in asks]
    facts.read_limits(connection, {(ask.campaign, day.number) for ask, day in zip(asks, days, strict=True)})
    shelf = Shelf(connection, asks)
    entries: list[Entry] = []
    answers: list[Grant | StoreError] = []
    for ask, day in zip(asks, days, strict=True):
        if ask.epoch in replaced:
            answers.append(_fenced(ask.epoch, replaced[ask.epoch]))
            continue
        budget = facts.terms.get(ask.campaign, NO_TERMS).budget
        free = facts.left(ask.campaign, day.number).micros()
        micros = ask.least if free is None else min(free, max(ask.least, free // ask.share))
        facts.take(ask.campaign, day.number, micros)
        lease, expires_us = shelf.lease(ask, budget, day, micros=micros)
        if micros:
            entries.append(_entry((lease, budget.advertiser, ask.campaign, day.number), micros, ask.now_us))
        remains = facts.left(ask.campaign, day.number)
        answers.append(Grant(lease=lease, granted=micros, expires_us=expires_us, left=remains, day=day))
    shelf.write()
    book(connection, entries)
    return answers


class Shelf:
    """Open leases of owners, as a batch of grants prolongs them or adds to them."""

    def __init__(self, connection: Connection, asks: Sequence[Ask]) -> None:
        self._connection = connection
        epochs = {ask.epoch for ask in asks}
        rows = rows_of(
            connection,
            "SELECT campaign, day, epoch, id, advertiser, expires_us FROM leases WHERE open = 1 AND campaign IN (...)",
            (ask.campaign for ask in asks),
        )
        self._open = {(row[0], row[1], row[2]): (row[3], row[4], row[5]) for row in rows if row[2] in epochs}
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM leases").fetchone()
        self._last = int(last)
        self._sold: list[int] = []
        self._changed: dict[int, tuple[int, int]] = {}  # lease -> its end, its fee
        self._new: dict[int, tuple[str, str, int, int]] = {}  # lease -> advertiser, campaign, day, epoch

    def lease(self, ask: Ask, budget: Budget, day: Day, *, micros: int) -> tuple[int, int]:
        """(number, end) of the owner's open lease, prolonged, or of a new one where there are micros; else 0."""
        expires_us = min(ask.expires_us, day.ends_us + ask.ttl_us)
        place = (ask.campaign, day.number, ask.epoch)
        found = self._open.get(place)
        if found is not None and found[1] != budget.advertiser:  # the campaign was sold: its old lease ends by itself
            self._sold.append(found[0])
            found = None
        if found is None:
            if not micros:
                return 0, expires_us
            self._last += 1
            found = (self._last, budget.advertiser, expires_us)
            self._new[self._last] = (budget.advertiser, *place)
        number, advertiser, ends_us = found
        ends_us = max(ends_us, expires_us)
        self._open[place] = (number, advertiser, ends_us)
        self._changed[number] = (ends_us, budget.fee_bp)
        return number, ends_us

    def write(self) -> None:
        """Put the changes into the open transaction."""
        many = self._connection.executemany
        if self._sold:
            many("UPDATE leases SET epoch = -id WHERE id = ?", [(lease,) for lease in self._sold])
        new = [
            (lease, *about, self._changed[lease][1], 0, self._changed[lease][0], 1)
            for lease, about in self._new.items()
        ]
        if new:
            many(
                "INSERT INTO leases (id, advertiser, campaign, day, epoch, fee_bp, remainder, expires_us, open)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                new,
            )
        old = [(ends_us, fee_bp, lease) for lease, (ends_us, fee_bp) in self._changed.items() if lease not in self._new]
        if old:
            many("UPDATE leases SET expires_us = ?, fee_bp = ? WHERE id = ?", old)


def give_back(connection: Connection, lease: int, micros: int, now_us: int) -> int:
    """Return up to `micros` of the open lease's uncharged remainder; how much that was."""
    row = connection.execute(
        "SELECT advertiser, campaign, day, remainder FROM leases WHERE id = ? AND open = 1", (lease,)
    ).fetchone()
    if row is None:
        return 0
    advertiser, campaign, day, remainder = row
    back: int = max(0, min(micros, remainder))
    if back:
        book(connection, (_entry((lease, advertiser, campaign, day), -back, now_us),))
    return back


def close_expired(connection: Connection, now_us: int) -> dict[int, str]:
    """Close every lease, of any owner, whose time is over and return its remainder: lease -> campaign."""
    rows = connection.execute(
        "SELECT id, advertiser, campaign, day, remainder FROM leases WHERE open = 1 AND expires_us <= ?", (now_us,)
    ).fetchall()
    if not rows:
        return {}
    book(
        connection,
        [_entry((lease, payer, campaign, day), -left, now_us) for lease, payer, campaign, day, left in rows if left],
    )
    connection.executemany("UPDATE leases SET open = 0 WHERE id = ?", [(row[0],) for row in rows])
    return {row[0]: row[2] for row in rows}


def _replaced(connection: Connection, asks: Sequence[Ask]) -> dict[int, int]:
    """Owners whose name another has claimed since: epoch -> the newest."""
    rows = rows_of(
        connection,
        "SELECT o.epoch, max(n.epoch) FROM owners o JOIN owners n ON n.name = o.name AND n.epoch > o.epoch"
        " WHERE o.epoch IN (...) GROUP BY o.epoch",
        (ask.epoch for ask in asks),
    )
    return dict(rows)


def _fenced(epoch: int, newer: int) -> StoreError:
    return StoreError(
        f"budgets owner {epoch} was replaced by owner {newer}; stop this process, or give it its own owner name"
    )


def _entry(lease: tuple[int, str, str, int], micros: int, now_us: int) -> Entry:
    """Micros from the wallet into the lease (number, advertiser, campaign, day), or back where negative."""
    number, advertiser, campaign, day = lease
    wallet = WALLET + advertiser
    source, target = (wallet, LEASE) if micros > 0 else (LEASE, wallet)
    return Entry(
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
