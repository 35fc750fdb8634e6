"""Purses: what each advertiser's money does now: free in its wallet, promised to running campaigns, charged today."""

import msgspec

from adcascade.money.day import day_of
from adcascade.money.sql import Connection
from adcascade.money.terms import NO_TERMS, rules_of, terms_of

LONGEST_DAYS = 3  # a day that runs anywhere began no more UTC days ago


class Purse(msgspec.Struct, frozen=True):
    """Micros of one advertiser.

    free: in its wallet, neither charged nor promised, below zero where it owes; promised: in open leases, not charged;
    charged: on its own day that runs, the fee in it.
    """

    free: int = 0
    promised: int = 0
    charged: int = 0


def charged_today(connection: Connection, now_us: int) -> list[tuple[str, str, int]]:
    """(campaign, advertiser, micros) of what was charged on the advertiser's day that runs, where that is anything."""
    rows = connection.execute(
        "SELECT campaign, day, charged FROM balances WHERE day >= ? AND charged > 0",
        (day_of(now_us) - LONGEST_DAYS,),
    ).fetchall()
    terms = terms_of(connection, [campaign for campaign, _, _ in rows])
    found = []
    for campaign, day, charged in rows:
        own = terms.get(campaign, NO_TERMS)
        if own.calendar.day(now_us).number == day:
            found.append((campaign, own.budget.advertiser, charged))
    return found


def purses(connection: Connection, now_us: int) -> dict[str, Purse]:
    """By advertiser; whose money never moved is absent."""
    free = dict(connection.execute("SELECT advertiser, micros FROM wallets").fetchall())
    promised = dict(
        connection.execute(
            "SELECT advertiser, CAST(sum(remainder) AS BIGINT) FROM leases WHERE open = 1 GROUP BY advertiser"
        ).fetchall()
    )
    charged = _charged(connection, now_us)
    return {
        name: Purse(free.get(name, 0), promised.get(name, 0), charged.get(name, 0))
        for name in sorted({*free, *promised, *charged})
    }


def _charged(connection: Connection, now_us: int) -> dict[str, int]:
    """What each advertiser was charged on its own day that runs, where that is anything; added up in the database."""
    rows = connection.execute(
        "SELECT advertiser, day, CAST(sum(charged) AS BIGINT) FROM (SELECT day, charged, coalesce((SELECT advertiser"
        " FROM budgets WHERE budgets.campaign = balances.campaign ORDER BY number DESC LIMIT 1), '') AS advertiser"
        " FROM balances WHERE day >= ? AND charged > 0) AS told GROUP BY advertiser, day",
        (day_of(now_us) - LONGEST_DAYS,),
    ).fetchall()
    rules = rules_of(connection, [advertiser for advertiser, _, _ in rows])
    calendars = {advertiser: calendar for advertiser, (_, calendar) in rules.items()}
    return {
        advertiser: micros
        for advertiser, day, micros in rows
        if calendars.get(advertiser, NO_TERMS.calendar).day(now_us).number == day
    }
