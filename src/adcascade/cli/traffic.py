"""`adcascade traffic`: which events were invalid and why, and which charged clicks turn out to be."""

from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from adcascade.cascade.opening import wall_clock_us
from adcascade.cascade.valid import limits_of
from adcascade.cli.ledger import opened
from adcascade.cli.options import Directory, JsonFile, require_folder, write_json
from adcascade.errors import DataMissingError
from adcascade.events.journal import Journal
from adcascade.events.read import read_records
from adcascade.events.traffic.report import filtered_by
from adcascade.events.traffic.suspects import Suspect, suspects
from adcascade.money.books import Books
from adcascade.money.traces import machine_of
from adcascade.settings import Settings, load_settings

app = typer.Typer(help="Invalid traffic: what was filtered, and what to refund.", no_args_is_help=True)
SHOWN = 50  # rows for people
HERE = Path()


@app.command()
def report(directory: Directory = HERE, json: JsonFile = None) -> None:
    """Filtered events by day, campaign, kind and reason, with what they would have cost.

    Example: adcascade traffic report --dir demo
    """
    settings = _settings(directory)
    table = filtered_by(record for _, record in read_records(settings.journal_path, kinds=("filtered",)))
    _show(table)
    write_json(json, table.to_pylist())


@app.command()
def refund(
    directory: Directory = HERE,
    user_clicks: Annotated[
        int | None, typer.Option(min=0, help="Most clicks of a user in the window; else adcascade.toml's.")
    ] = None,
    bid_clicks: Annotated[
        int | None, typer.Option(min=0, help="Most clicks on one answered ad; else adcascade.toml's.")
    ] = None,
    credit: Annotated[
        str, typer.Option(help="Give the money back, too, for this reason; the same reason credits a bid once.")
    ] = "",
    json: JsonFile = None,
) -> None:
    """Charged clicks that the log shows to be invalid in hindsight; without --credit they are only listed.

    Example: adcascade traffic refund --dir demo --user-clicks 10 --credit "robots of 3 March"
    """
    settings = _settings(directory)
    given = {"user_clicks": user_clicks, "bid_clicks": bid_clicks}
    chosen = settings.traffic.model_copy(update={name: value for name, value in given.items() if value is not None})
    found = suspects(settings.journal_path, limits_of(chosen))
    with Journal(settings.journal_path) as journal:
        machine = machine_of(journal)
    with opened(settings) as (books, _):
        rows = charged(found, books, machine)
        back: dict[str, int] = {}
        if credit:
            bids = [str(row["bid_id"]) for row in rows]
            back = books.refund_bids(bids, credit, wall_clock_us(), "adcascade traffic").result()
    _show(pa.Table.from_pylist(rows, schema=REFUNDS))
    if credit:
        Console(stderr=True).print(f"{sum(back.values()) / 1e6:,.2f} given back for {len(back)} bids")
    write_json(json, rows)


REFUNDS = pa.schema(
    {
        "bid_id": pa.string(),
        "event": pa.string(),
        "campaign": pa.string(),
        "micros": pa.int64(),
        "reason": pa.string(),
        "detail": pa.string(),
    }
)


def charged(found: list[Suspect], books: Books, machine: str) -> list[dict[str, object]]:
    """Those of the suspects that were charged, each bid once. machine: what shared books call this one."""
    charges = {charge["bid_id"]: charge for charge in books.charges()}
    rows: dict[str, dict[str, object]] = {}
    for suspect in found:
        charge = charges.get(suspect.bid_id)
        if charge is not None and charge["event"] in (suspect.event, f"{machine}/{suspect.event}"):
            rows[suspect.bid_id] = {
                "bid_id": suspect.bid_id,
                "event": suspect.event,
                "campaign": charge["campaign"],
                "micros": charge["micros"],
                "reason": suspect.reason,
                "detail": suspect.detail,
            }
    return list(rows.values())


def _settings(directory: Path) -> Settings:
    require_folder(directory)
    settings = load_settings(directory)
    if not settings.journal_path.exists():
        raise DataMissingError(f"{settings.journal_path} does not exist: nothing was served in {directory} yet")
    return settings


def _show(table: pa.Table) -> None:
    """The first rows, and what all of them sum to."""
    shown = Table(*table.column_names)
    for row in table.slice(0, SHOWN).to_pylist():
        shown.add_row(*(f"{value:,}" if isinstance(value, int) else value for value in row.values()))
    money = table.column_names[-1] if table.column_names[-1].endswith("micros") else "micros"
    micros = sum(table[money].to_pylist())
    console = Console()
    console.print(shown)
    console.print(f"{len(table):,} rows, {micros / 1e6:,.2f} of the currency", highlight=False)
