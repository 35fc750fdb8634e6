"""`adcascade ledger`: the books, for who answers for them. A server may run beside it; it notices within seconds.

Amounts are written in units of the currency, "12.50"; in JSON and CSV they are micros, millionths of a unit.
"""

import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.cascade.opening import wall_clock_us
from adcascade.catalog.store import CatalogStore
from adcascade.cli.options import Directory, JsonFile, require_folder, write_json
from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.money.amounts import micros_of, units
from adcascade.money.books import Books, Transfer
from adcascade.money.day import date_of, number_of
from adcascade.money.opening import open_books
from adcascade.money.statement import Statement
from adcascade.money.statement_csv import csv_of
from adcascade.money.tables import Entry
from adcascade.settings import Settings, load_settings

app = typer.Typer(help="Verify the books, move money, make statements.", no_args_is_help=True)
HERE = Path()
Advertiser = Annotated[str, typer.Argument(help="Id of the advertiser.")]
Amount = Annotated[str, typer.Argument(help="Units of the currency, as 12.50.")]
TransferId = Annotated[
    str | None, typer.Option("--id", help="Taken once for life: repeat it with a retry. Without it, by chance.")
]
Note = Annotated[str, typer.Option(help="What it is for; kept in the booking.")]
By = Annotated[str, typer.Option(help="Who ordered it; kept in the booking.")]


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Books, CatalogStore]]:
    """The installation's books, and its catalog."""
    require_folder(settings.directory)
    with CatalogStore(settings.catalog_url) as store, Journal(settings.journal_path) as journal:
        books = open_books(
            settings.money.books,
            journal,
            advertiser_of={campaign.id: campaign.advertiser for campaign in store.campaigns()},
            weak=settings.money.redis_weak,
        )
        try:
            yield books, store
        finally:
            books.close()


@app.command()
def verify(directory: Directory = HERE, json: JsonFile = None) -> None:
    """Recompute every balance from the bookings; exit status 1 where anything differs.

    Example: adcascade ledger verify --dir demo
    """
    with opened(load_settings(directory)) as (ledger, _):
        accounts, differences, untraced = ledger.accounts(), ledger.verify(), ledger.untraced()
    console = Console(stderr=str(json) == "-")
    table = Table("what differs", "where", "by")
    for difference in differences:
        table.add_row(difference.what, difference.where, units(difference.micros))
    for bid in untraced:
        table.add_row("event", f"the charge of bid {bid} has no event in the log", "")
    wrong = len(differences) + len(untraced)
    if wrong:
        console.print(table)
    console.print(f"{len(accounts)} accounts hold {units(sum(accounts.values()))} together; {wrong} differences")
    write_json(
        json,
        {
            "balanced": not wrong,
            "accounts": accounts,
            "differences": [msgspec.to_builtins(difference) for difference in differences],
            "charges_without_event": untraced,
        },
    )
    if wrong:
        raise typer.Exit(1)


@app.command()
def balance(directory: Directory = HERE, json: JsonFile = None) -> None:
    """What every account holds. Example: adcascade ledger balance --dir demo."""
    with opened(load_settings(directory)) as (ledger, _):
        accounts = ledger.accounts()
    table = Table("account", "holds")
    for account, micros in sorted(accounts.items()):
        table.add_row(account, units(micros))
    Console(stderr=str(json) == "-").print(table)
    write_json(json, accounts)


@app.command()
def statement(  # noqa: PLR0917  typer's options
    advertiser: Advertiser,
    first: Annotated[
        str | None, typer.Option("--from", help="First day, as 2026-03-01; without it, a week ago.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; without it, today.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="One line a day and campaign on standard output.")] = False,
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Every day's opening, charges, refunds, transfers and closing, in the advertiser's own days.

    Example: adcascade ledger statement acme --from 2026-03-01 --to 2026-03-31 --dir demo
    """
    with opened(load_settings(directory)) as (ledger, store):
        known(store, advertiser)
        until = ledger.today(advertiser, wall_clock_us()) if last is None else day_number("to", last)
        days = ledger.statements(advertiser, until - 6 if first is None else day_number("from", first), until)
    if csv:
        sys.stdout.write(csv_of(days))
    else:
        Console(stderr=str(json) == "-").print(table_of(days))
    write_json(json, [{"date": str(date_of(day.day)), **msgspec.to_builtins(day)} for day in days])


@app.command("top-up")
def top_up(  # noqa: PLR0917  typer's options
    advertiser: Advertiser,
    amount: Amount,
    identity: TransferId = None,
    note: Note = "",
    by: By = "command line",
    directory: Directory = HERE,
) -> None:
    """Put money into an advertiser's wallet. Example: adcascade ledger top-up acme 500 --id invoice-17 --dir demo."""
    move("top_up", advertiser, micros_of(amount), directory, (identity, "", note, by))


@app.command()
def payout(  # noqa: PLR0917  typer's options
    advertiser: Advertiser,
    amount: Amount,
    identity: TransferId = None,
    note: Note = "",
    by: By = "command line",
    directory: Directory = HERE,
) -> None:
    """Pay out what is free in an advertiser's wallet. Example: adcascade ledger payout acme 20 --dir demo."""
    move("payout", advertiser, micros_of(amount), directory, (identity, "", note, by))


@app.command()
def refund(  # noqa: PLR0917  typer's options
    advertiser: Advertiser,
    bid: Annotated[str, typer.Argument(help="Id of the bid that was charged.")],
    amount: Annotated[
        str | None, typer.Option(help="A part of the charge, as 0.25; without it, all that is left.")
    ] = None,
    identity: TransferId = None,
    note: Note = "",
    by: By = "command line",
    directory: Directory = HERE,
) -> None:
    """Give back what a bid was charged. Example: adcascade ledger refund acme 6520f-1.0 --note complaint --dir demo."""
    move("refund", advertiser, 0 if amount is None else micros_of(amount), directory, (identity, bid, note, by))


@app.command()
def credit(
    file: Annotated[Path, typer.Argument(help="Bid ids, one a line.", exists=True, dir_okay=False)],
    reason: Annotated[str, typer.Option(help="Why; kept in every booking. The same reason credits a bid once.")],
    by: By = "command line",
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Give back all that is left of many bids' charges, as of traffic that proved invalid.

    Example: adcascade ledger credit robots.txt --reason "robots of 3 March" --dir demo
    """
    bids = [line.strip() for line in file.read_text().splitlines() if line.strip()]
    with opened(load_settings(directory)) as (ledger, _):
        back = ledger.refund_bids(bids, reason, wall_clock_us(), by).result()
    Console(stderr=str(json) == "-").print(f"{len(back)} of {len(bids)} bids, {units(sum(back.values()))} given back")
    write_json(json, back)


@app.command()
def entries(  # noqa: PLR0917  typer's options
    bid: Annotated[str | None, typer.Option(help="Only bookings of this bid, and the records they come from.")] = None,
    advertiser: Annotated[str | None, typer.Option(help="Only bookings of this advertiser.")] = None,
    after: Annotated[int, typer.Option(help="Begin behind this number.")] = 0,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Bookings in order, each with the event that caused it. Example: adcascade ledger entries --bid 6520f-1.0."""
    found: list[tuple[int, Entry]] = []
    with opened(load_settings(directory)) as (ledger, _):
        for number, entry in ledger.entries(after, advertiser=advertiser, bid_id=bid):
            if len(found) == limit:
                break
            found.append((number, entry))
        sources = [] if bid is None else ledger.sources(bid)
    table = Table("number", "kind", "from", "to", "amount", "campaign", "day", "bid", "event or order")
    for number, entry in found:
        what = entry.event or entry.transfer or (f"lease {entry.lease}" if entry.lease else "")
        day = str(date_of(entry.day))
        row = (
            entry.kind,
            entry.source,
            entry.target,
            units(entry.micros),
            entry.campaign,
            day,
            entry.bid_id or "",
            what,
        )
        table.add_row(str(number), *row)
    console = Console(stderr=str(json) == "-")
    console.print(table)
    for kind, seq, identity in sources:
        console.print(f"record {seq}: {kind} {identity}", highlight=False)
    write_json(json, [{"number": number, **msgspec.to_builtins(entry)} for number, entry in found])


Words = tuple[str | None, str, str, str]  # id, bid, note, by


def move(
    kind: Literal["top_up", "payout", "refund"], advertiser: str, micros: int, directory: Path, words: Words
) -> None:
    """Book a transfer and say what came of it."""
    identity, bid, note, by = words
    order = Transfer(
        id=identity or f"{kind}-{secrets.token_hex(8)}",
        kind=kind,
        advertiser=advertiser,
        micros=micros,
        time_us=wall_clock_us(),
        bid_id=bid,
        note=note,
        by=by,
    )
    with opened(load_settings(directory)) as (ledger, store):
        known(store, advertiser)
        receipt = ledger.transfer(order).result()
        wallet = ledger.wallets([advertiser]).result().get(advertiser, 0)
    said = "was booked before" if receipt.status == "duplicate" else f"{units(receipt.charged_micros)} booked"
    Console().print(f"{order.id}: {said}; {advertiser}'s wallet holds {units(wallet)}", highlight=False)


def known(store: CatalogStore, advertiser: str) -> None:
    """InputError where the catalog has no such advertiser: a wallet of nobody helps nobody."""
    if store.find_advertiser(advertiser) is None:
        raise InputError("advertiser", advertiser, "the id of an advertiser of the catalog")


def day_number(field: str, text: str) -> int:
    """The number of a day as a command writes it."""
    try:
        return number_of(date.fromisoformat(text))
    except ValueError:
        raise InputError(field, text, "a day as 2026-03-01") from None


def table_of(days: Sequence[Statement]) -> Table:
    """One line a day, and one below it for every campaign that was charged."""
    table = Table("day", "opening", "top-ups", "payouts", "charges", "fees in them", "refunds", "closing")
    for day in days:
        moved = (day.opening, day.top_ups, day.payouts, day.charged, day.fees, day.refunds, day.closing)
        table.add_row(str(date_of(day.day)), *map(units, moved))
        for line in day.charges:
            name = f"  {line.campaign}, {line.count:,} charges"
            table.add_row(name, "", "", "", units(line.micros), units(line.fee), "", "")
    return table
