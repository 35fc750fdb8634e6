"""Bookings as rows: both sides of the double entry, what for, and who; newest first, by the ledger's own pages."""

from urllib.parse import quote

import msgspec

from adcascade.console.table import SIZE, Asked, Column, Table, cursor_of, place_of
from adcascade.console.words import clock, moment
from adcascade.errors import InputError
from adcascade.money.amounts import units
from adcascade.money.books import Books
from adcascade.money.tables import FEE, LEASE, OUTSIDE, REVENUE, Entry, Kind

KINDS: dict[Kind, str] = {
    "top_up": "Top-up",
    "payout": "Pay-out",
    "lease": "Promised",
    "release": "Promise returned",
    "charge": "Charge",
    "fee": "Fee",
    "refund": "Refund",
}
ACCOUNTS = {OUTSIDE: "outside", LEASE: "promised", REVENUE: "revenue", FEE: "fees"}
ENGINE = "the engine"
AFTER_ALL = 2**53
COLUMNS = (
    Column(name="number", label="Number", number=True, sortable=False),
    Column(name="time", label="Time, UTC", sortable=False),
    Column(name="what", label="What", sortable=False),
    Column(name="from", label="From", sortable=False),
    Column(name="to", label="To", sortable=False),
    Column(name="amount", label="Amount", number=True, sortable=False),
    Column(name="for", label="For", sortable=False),
    Column(name="who", label="Who", sortable=False),
)


class BookingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A booking; amount in units of the currency. bid_url: where the bid's own story stands, "" without one."""

    number: int
    time: str
    what: str
    source: str
    target: str
    amount: str
    campaign: str
    bid: str
    bid_url: str
    note: str
    who: str


def instant(time_us: int) -> str:
    """Day and second, UTC.

    >>> instant(1_750_000_000_000_000)
    '2025-06-15 15:06:40'
    """
    return f"{moment(time_us)[:10]} {clock(time_us)}"


def account_of(account: str) -> str:
    """An account of the double entry in words; an advertiser has one wallet."""
    return ACCOUNTS.get(account, "wallet")


def row_of(number: int, entry: Entry) -> BookingRow:
    """A booking as a row."""
    bid = entry.bid_id or ""
    return BookingRow(
        number=number, time=instant(entry.time_us), what=KINDS[entry.kind], source=account_of(entry.source),
        target=account_of(entry.target), amount=units(entry.micros), campaign=entry.campaign, bid=bid,
        bid_url=f"/ledger/bid/{quote(bid, safe='')}" if bid else "", note=entry.note, who=entry.by or ENGINE,
    )  # fmt: skip


def before_of(cursor: str) -> int:
    """The number below which a page begins; InputError where the cursor is none of this table."""
    if not cursor:
        return AFTER_ALL
    number, _ = place_of(cursor)
    if not isinstance(number, float) or not 0 <= number <= AFTER_ALL:
        raise InputError("after", cursor, "the end of a page of this table", "begin again without it")
    return int(number)


def bookings_of(books: Books, advertiser: str, after: str, url: str, *, size: int = SIZE) -> Table:
    """A page of an advertiser's bookings. after: cursor of the page; url: of the account."""
    found = books.newest(before_of(after), size + 1, advertiser=advertiser)
    page = found[:size]
    return Table(
        name="bookings", caption="Bookings, newest first", columns=COLUMNS, rows=[row_of(*one) for one in page],
        asked=Asked(sort="-number", after=after), url=url, rows_url=f"{url}/bookings",
        after=cursor_of(page[-1][0], "") if len(found) > size else "", empty="No money has moved here yet.",
    )  # fmt: skip
