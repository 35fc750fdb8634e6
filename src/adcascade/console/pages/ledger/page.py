"""Ledger: what every advertiser has, has promised and was charged today; from there to its account and its bids.

An advertiser stands at `/ledger/ID` whatever its id is; what else the list needs lies below `/wallets`.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from adcascade.catalog.nouns import Advertiser
from adcascade.console.page import At, Go, Page, Visit
from adcascade.console.pages.ledger import account, bid
from adcascade.console.table import Asked, Column, Table, asked_of, page_of
from adcascade.console.words import money
from adcascade.errors import InputError
from adcascade.money.purses import Purse

COLUMNS = (
    Column(name="advertiser", label="Advertiser"),
    Column(name="pays", label="Pays"),
    Column(name="free", label="In the wallet", number=True),
    Column(name="promised", label="Promised", number=True),
    Column(name="charged", label="Charged today", number=True),
)
NOTHING = Purse()


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """An advertiser with its purse, micros."""

    id: str
    name: str
    prepaid: bool
    purse: Purse


class WalletRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table; amounts in hundredths of the currency. dry: who pays beforehand has nothing left."""

    id: str
    name: str
    url: str
    pays: str
    free: str
    promised: str
    charged: str
    dry: bool


class Wallets(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page; sums over all advertisers that the visitor sees, in units of the currency."""

    table: Table
    free: str
    promised: str
    charged: str
    currency: str


def wallets_of(advertisers: Sequence[Advertiser], purses: Mapping[str, Purse]) -> list[Wallet]:
    """Each with its purse; empty where its money never moved."""
    return [
        Wallet(id=one.id, name=one.name, prepaid=one.prepaid, purse=purses.get(one.id, NOTHING)) for one in advertisers
    ]


def table_of(wallets: Sequence[Wallet], asked: Asked) -> Table:
    """The wallets as a table."""
    page, cursor, total = page_of(
        wallets, asked, _value, lambda one: one.id, lambda one: f"{one.id} {one.name} {_pays(one)}"
    )
    rows: list[msgspec.Struct] = [
        WalletRow(
            id=one.id, name=one.name, url=account.url_of(one.id), pays=_pays(one), free=money(one.purse.free),
            promised=money(one.purse.promised), charged=money(one.purse.charged),
            dry=one.prepaid and one.purse.free <= 0,
        )
        for one in page
    ]  # fmt: skip
    return Table(
        name="wallets", caption="Advertisers", columns=COLUMNS, rows=rows, asked=asked, url="/ledger",
        rows_url="/wallets", after=cursor, total=total, empty="No advertiser is there, or none is found.",
    )  # fmt: skip


def view_of(wallets: Sequence[Wallet], asked: Asked, currency: str) -> Wallets:
    """The page of these wallets."""
    purses = [one.purse for one in wallets]
    return Wallets(
        table=table_of(wallets, asked),
        free=money(sum(one.free for one in purses)),
        promised=money(sum(one.promised for one in purses)),
        charged=money(sum(one.charged for one in purses)),
        currency=currency,
    )


def _pays(one: Wallet) -> str:
    return "beforehand" if one.prepaid else "afterwards"


def _value(one: Wallet, column: str) -> str | float:
    if column == "advertiser":
        return (one.name or one.id).casefold()
    if column == "pays":
        return _pays(one)
    micros: int = getattr(one.purse, column)
    return micros


def _found(visit: Visit) -> list[Wallet]:
    """Whom the visitor sees."""
    admin = visit.desk.inside.admin
    seen = [one for one in admin.catalog.advertisers() if visit.key is not None and visit.key.sees(one.id)]
    return wallets_of(seen, admin.books.purses(visit.now_us))


async def show(visit: Visit) -> Wallets:
    """The page."""
    asked = asked_of(visit.query, COLUMNS, "-charged")
    return view_of(await visit.aside(_found, visit), asked, visit.desk.inside.options.currency)


async def rows(visit: Visit) -> Table:
    """The table alone; further rows where `after` is given."""
    asked = asked_of(visit.query, COLUMNS, "-charged")
    return table_of(await visit.aside(_found, visit), asked)


async def to_bid(visit: Visit) -> Go:
    """From a bid id that was typed to its page."""
    named = visit.form.get("id", "").strip()
    if not named:
        raise InputError("id", named, "the id of a bid", "bookings name it, and so does the answer of an auction")
    return Go(to=f"/ledger/bid/{quote(named, safe='')}")


PAGE = Page(
    name="ledger",
    title="Ledger",
    path="/ledger",
    needs="money:read",
    routes=(
        At(path="/ledger", handler=show, template="ledger.html"),
        At(path="/wallets", handler=rows, template="ledger_wallet_rows.html"),
        At(method="POST", path="/wallets/bid", handler=to_bid),
        At(path="/ledger/bid/{bid_id:path}", handler=bid.show, template="ledger_bid.html"),
        *account.ROUTES,
    ),
)
