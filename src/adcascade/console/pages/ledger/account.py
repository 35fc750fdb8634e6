"""One advertiser's account: its statement, its bookings, and the orders that move its money.

Every form carries the id of its order, made when the page was: sent twice, it moves money once.
"""

import secrets
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec

from adcascade.catalog.nouns import Advertiser
from adcascade.console.form import Field, Form, Trouble, Wrong, read, shown, trouble
from adcascade.console.page import At, Download, Go, Says, Visit
from adcascade.console.pages.ledger.bookings import bookings_of
from adcascade.console.pages.ledger.statement import Days, StatementRow, days_of, rows_of
from adcascade.console.table import Table
from adcascade.errors import InputError
from adcascade.money.amounts import micros_of, units
from adcascade.money.books import Transfer
from adcascade.money.purses import Purse
from adcascade.money.statement_csv import csv_of
from adcascade.server.problems import RefusalError

LONGEST = 200  # characters of a note
ORDER = 64  # characters of an order's id
FIELDS = {
    kind: (
        Field(name=f"{kind}_amount", label=label, kind="number", hint=hint, required=True),
        Field(name=f"{kind}_note", label="Note", hint="What it is for; kept in the booking."),
    )
    for kind, label, hint in (
        ("top_up", "Amount to top up", "Units of the currency that came in, as 12.50."),
        ("payout", "Amount to pay out", "Units of the currency to be paid back, at most what is in the wallet."),
    )
}
SUBMIT = {"top_up": "Top up", "payout": "Pay out"}


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page; amounts in units of the currency. order: id of the forms' order; forms: where the visitor
    may move money."""

    id: str
    name: str
    url: str
    currency: str
    timezone: str
    prepaid: bool
    free: str
    promised: str
    charged: str
    days: Days
    csv: str
    statement: tuple[StatementRow, ...]
    bookings: Table
    order: str
    forms: tuple[Form, ...]
    status: int = 200


def url_of(advertiser: str) -> str:
    """Where the account stands, whatever characters its id has."""
    return f"/ledger/{quote(advertiser, safe='')}"


def forms_of(url: str, values: Mapping[str, str], wrong: Mapping[str, Wrong]) -> tuple[Form, ...]:
    """Top-up and pay-out, each with what was typed and what is wrong with it."""
    return tuple(
        Form(
            action=f"{url}/{kind}", fields=fields, submit=SUBMIT[kind], values=shown(fields, values),
            wrong={one.name: wrong[one.name] for one in fields if one.name in wrong}, check_url=f"{url}/check",
        )
        for kind, fields in FIELDS.items()
    )  # fmt: skip


def check_note(text: str) -> str:
    """Printable, and not too long; empty is none."""
    if len(text) > LONGEST or not (text.isprintable() or not text):
        raise InputError("note", text, f"at most {LONGEST} printable characters")
    return text


def check_order(text: str) -> str:
    """The id that the page gave its form."""
    if not 0 < len(text) <= ORDER or not text.isalnum():
        raise InputError("id", text, "the id that the page gave this form", "load the page again and fill it in anew")
    return text


CHECKS = {f"{kind}_amount": micros_of for kind in FIELDS} | {f"{kind}_note": check_note for kind in FIELDS}


def known(visit: Visit) -> Advertiser:
    """The advertiser of the path, where it is there and the visitor may see it; else RefusalError 404."""
    name = visit.path["advertiser"]
    seen = visit.key is not None and visit.key.sees(name)
    found = visit.desk.inside.admin.catalog.find_advertiser(name) if seen else None
    if found is None:
        raise RefusalError(404, "advertiser", name, "the id of an advertiser", "the page Ledger lists them")
    return found


def _account(visit: Visit, wrong: Mapping[str, Wrong]) -> Account:
    one, books = known(visit), visit.desk.inside.admin.books
    url = url_of(one.id)
    days = days_of(visit.query, books.today(one.id, visit.now_us))
    purse = books.purses(visit.now_us).get(one.id, Purse())
    return Account(
        id=one.id,
        name=one.name,
        url=url,
        currency=visit.desk.inside.options.currency,
        timezone=one.timezone,
        prepaid=one.prepaid,
        free=units(purse.free),
        promised=units(purse.promised),
        charged=units(purse.charged),
        days=days,
        csv=f"{url}/statement.csv?{urlencode({'from': days.first, 'to': days.last})}",
        statement=rows_of(books.statements(one.id, days.first_number, days.last_number)),
        bookings=bookings_of(books, one.id, "", url),
        order=visit.form.get("id", "") or secrets.token_hex(8),
        forms=forms_of(url, visit.form, wrong) if visit.allows("money:write") else (),
        status=422 if wrong else 200,
    )


def _order(visit: Visit, kind: str) -> Go | dict[str, Wrong]:
    """Book what a form asks for; what is wrong with it where it cannot be booked."""
    one, books = known(visit), visit.desk.inside.admin.books
    good, wrong = read(visit.form, {name: check for name, check in CHECKS.items() if name.startswith(kind)})
    if wrong:
        return wrong
    order = Transfer(
        id=f"console-{check_order(visit.form.get('id', ''))}",
        kind="top_up" if kind == "top_up" else "payout",
        advertiser=one.id,
        micros=good[f"{kind}_amount"],
        time_us=visit.now_us,
        note=good[f"{kind}_note"],
        by=visit.by,
    )
    try:
        receipt = books.transfer(order).result()
    except InputError as error:
        if error.field != "micros":
            raise
        free = books.wallets([one.id]).result().get(one.id, 0)
        typed = visit.form.get(f"{kind}_amount", "")
        return {f"{kind}_amount": Wrong(value=typed, expected=f"at most what is in the wallet, {units(max(0, free))}")}
    currency = visit.desk.inside.options.currency
    done = "paid out" if kind == "payout" else "booked"
    said = f"{units(order.micros)} {currency} {done}"
    if receipt.status == "duplicate":
        said = "Booked once: this form had been sent before, and nothing moved now"
    free = books.wallets([one.id]).result().get(one.id, 0)
    text = f"{said}; the wallet of {one.name or one.id} holds {units(free)} {currency}."
    return Go(to=url_of(one.id), says=Says(text=text))


async def show(visit: Visit) -> Account:
    """The page."""
    return await visit.aside(_account, visit, {})


async def more(visit: Visit) -> Table:
    """Further bookings."""

    def found() -> Table:
        one = known(visit)
        return bookings_of(visit.desk.inside.admin.books, one.id, visit.query.get("after", ""), url_of(one.id))

    return await visit.aside(found)


async def check(visit: Visit) -> Trouble:
    """One field, as one types."""
    return trouble(visit.path["field"], visit.form, CHECKS)


async def top_up(visit: Visit) -> Account | Go:
    """Money that came in."""
    return await _moved(visit, "top_up")


async def payout(visit: Visit) -> Account | Go:
    """Money that goes back."""
    return await _moved(visit, "payout")


async def _moved(visit: Visit, kind: str) -> Account | Go:
    done = await visit.aside(_order, visit, kind)
    return done if isinstance(done, Go) else await visit.aside(_account, visit, done)


async def statement(visit: Visit) -> Download:
    """The statement as a file, with a line for every campaign."""

    def made() -> Download:
        one, books = known(visit), visit.desk.inside.admin.books
        days = days_of(visit.query, books.today(one.id, visit.now_us), most=None)
        text = csv_of(books.statements(one.id, days.first_number, days.last_number))
        name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in one.id)
        return Download(name=f"statement-{name}-{days.first}-{days.last}.csv", type="text/csv", content=text.encode())

    return await visit.aside(made)


BASE = "/ledger/{advertiser:path}"
ROUTES = (
    At(path=f"{BASE}/bookings", handler=more, template="ledger_booking_rows.html"),
    At(path=f"{BASE}/statement.csv", handler=statement),
    At(method="POST", path=f"{BASE}/top_up", handler=top_up, template="ledger_account.html", needs="money:write"),
    At(method="POST", path=f"{BASE}/payout", handler=payout, template="ledger_account.html", needs="money:write"),
    At(method="POST", path=BASE + "/check/{field}", handler=check, template="part_trouble.html", needs="money:write"),
    At(path=BASE, handler=show, template="ledger_account.html"),  # last: it takes any path
)
