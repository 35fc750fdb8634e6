"""Statements: what an advertiser's account did on one of its own days, from the bookings alone.

    closing = opening + top-ups - payouts - charges + refunds

and one day's closing is the next day's opening. The account is the wallet with what leases have taken from it: a
reservation moves nothing here, only what was charged does. Fees are a part of the charges, shown to the house.
"""

import msgspec

from adcascade.errors import InputError
from adcascade.money.sql import Query

MOST_DAYS = 3700


class CampaignLine(msgspec.Struct, frozen=True):
    """What a campaign was charged on the day: how many bids, micros in all, and the fee in them."""

    campaign: str
    count: int
    micros: int
    fee: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One day of one advertiser, micros; below zero where it owes."""

    advertiser: str
    day: int
    opening: int
    top_ups: int
    payouts: int
    charges: tuple[CampaignLine, ...]
    refunds: int
    closing: int

    @property
    def charged(self) -> int:
        """All campaigns together."""
        return sum(line.micros for line in self.charges)

    @property
    def fees(self) -> int:
        """The platform's part of the charges; refunds took theirs back out of it."""
        return sum(line.fee for line in self.charges)


def statements(query: Query, advertiser: str, first: int, last: int) -> list[Statement]:
    """One statement a day from the first to the last, days without any booking too.

    query: rows of what is committed. It walks through all bookings, so it is asked beside who writes them.
    """
    if not 0 <= last - first < MOST_DAYS:
        raise InputError("to", last, f"a day from the first on, at most {MOST_DAYS} days later")
    rows = query(
        "SELECT CASE WHEN day < ? THEN ? ELSE day END AS shown, CASE WHEN kind = 'fee' THEN 'charge' ELSE kind END,"
        " campaign, count(DISTINCT bid_id), CAST(sum(micros) AS BIGINT),"
        " CAST(sum(CASE WHEN target = 'fee' THEN micros ELSE 0 END) AS BIGINT) FROM bookings"
        " WHERE advertiser = ? AND day <= ? AND kind NOT IN ('lease', 'release') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (first, first - 1, advertiser, last),
    )
    days: dict[int, list[tuple[str, CampaignLine]]] = {}
    for day, kind, campaign, count, micros, fee in rows:
        days.setdefault(day, []).append((kind, CampaignLine(campaign, count, micros, fee)))
    balance = _statement(advertiser, first - 1, 0, days.get(first - 1, [])).closing
    made = []
    for day in range(first, last + 1):
        made.append(_statement(advertiser, day, balance, days.get(day, [])))
        balance = made[-1].closing
    return made


def _statement(advertiser: str, day: int, opening: int, lines: list[tuple[str, CampaignLine]]) -> Statement:
    moved = {kind: sum(line.micros for of, line in lines if of == kind) for kind in ("top_up", "payout", "refund")}
    charges = tuple(line for kind, line in lines if kind == "charge")
    closing = opening + moved["top_up"] - moved["payout"] + moved["refund"] - sum(line.micros for line in charges)
    return Statement(
        advertiser=advertiser,
        day=day,
        opening=opening,
        top_ups=moved["top_up"],
        payouts=moved["payout"],
        charges=charges,
        refunds=moved["refund"],
        closing=closing,
    )
