"""The statement of an account as rows: one a day of the advertiser's own, and which days are asked for."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from adcascade.errors import InputError
from adcascade.money.amounts import units
from adcascade.money.day import date_of, number_of
from adcascade.money.statement import Statement

WEEK = 7
MOST = 366  # days of one page; the file takes more


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """From the first day to the last, as dates and as the ledger's numbers."""

    first: str
    last: str
    first_number: int
    last_number: int


class StatementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A day; amounts in units of the currency. count: of charges, all campaigns together."""

    date: str
    opening: str
    top_ups: str
    payouts: str
    count: int
    campaigns: int
    charged: str
    fees: str
    refunds: str
    closing: str


def days_of(query: Mapping[str, str], today: int, *, most: int | None = MOST) -> Days:
    """Which days the address asks for: the last week unless it says otherwise; InputError where that cannot be."""
    last = _day("to", query["to"]) if query.get("to") else today
    first = _day("from", query["from"]) if query.get("from") else last - WEEK + 1
    if first > last:
        raise InputError("from", str(date_of(first)), f"a day up to {date_of(last)}")
    if most is not None and last - first >= most:
        raise InputError("from", str(date_of(first)), f"a day at most {most} days before the last", "take the CSV file")
    return Days(first=str(date_of(first)), last=str(date_of(last)), first_number=first, last_number=last)


def rows_of(days: Sequence[Statement]) -> tuple[StatementRow, ...]:
    """In the order of the days."""
    return tuple(
        StatementRow(
            date=str(date_of(one.day)), opening=units(one.opening), top_ups=units(one.top_ups),
            payouts=units(one.payouts), count=sum(line.count for line in one.charges), campaigns=len(one.charges),
            charged=units(one.charged), fees=units(one.fees), refunds=units(one.refunds), closing=units(one.closing),
        )
        for one in days
    )  # fmt: skip


def _day(field: str, text: str) -> int:
    try:
        return number_of(date.fromisoformat(text))
    except ValueError as error:
        raise InputError(field, text, "a day, as 2026-03-31") from error
