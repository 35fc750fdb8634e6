"""`adcascade catalog`: files in and out, what there is, pause, resume and remove."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.catalog.files import KINDS, Kind, Noun, export_file, import_files, kind_of, nouns_of
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Status
from adcascade.catalog.store import CatalogStore
from adcascade.cli.options import Directory, JsonFile, write_json
from adcascade.errors import InputError
from adcascade.settings import load_settings

app = typer.Typer(help="Advertisers, campaigns and ads: import, export, list, pause.", no_args_is_help=True)
HERE = Path()
MICROS = 1_000_000

KindName = Annotated[str, typer.Argument(help="advertisers, campaigns or ads.", metavar="KIND")]
Ids = Annotated[list[str], typer.Argument(help="Ids.", metavar="ID...")]
OnError = Annotated[str, typer.Option("--on-error", help="At a row that cannot be used: stop, or skip and count.")]


@contextmanager
def _store(directory: Path) -> Iterator[CatalogStore]:
    with CatalogStore(load_settings(directory).catalog_url) as store:
        yield store


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise InputError("KIND", name, "advertisers, campaigns or ads")
    return name


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files that end in .jsonl, .csv or .parquet.")],
    kind: Annotated[str, typer.Option("--kind", help="What the files hold; without it their names tell.")] = "",
    on_error: OnError = "stop",
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Put files into the catalog, all or nothing; ids that are there are replaced.

    Example: adcascade catalog import advertisers.csv campaigns.csv ads.parquet --dir demo
    """
    if on_error not in {"stop", "skip"}:
        raise InputError("--on-error", on_error, "stop or skip")
    named = [(_kind(kind) if kind else kind_of(file), file) for file in files]
    console = Console(stderr=True)
    with _store(directory) as store, console.status("reading and writing"):
        report = import_files(store, named, on_error=cast("Literal['stop', 'skip']", on_error))
    table = Table("rows", "number", show_header=False)
    for name in KINDS:
        table.add_row(name, f"{report.taken[name]:,}")
    for reason, rows in report.skipped.most_common():
        table.add_row(f"[yellow]skipped[/]: {reason}", f"{rows:,}")
    Console().print(table)
    skipped = dict(report.skipped)
    write_json(json, {"version": report.version, "taken": report.taken, "skipped": skipped})


@app.command()
def export(
    kind: KindName,
    file: Annotated[Path, typer.Argument(help="Ends in .jsonl, .csv or .parquet.")],
    directory: Directory = HERE,
) -> None:
    """Write all of a kind to a file that `import` reads. Example: adcascade catalog export ads ads.csv --dir demo."""
    with _store(directory) as store, Console(stderr=True).status("writing"):
        rows = export_file(store, _kind(kind), file)
    Console().print(f"{rows:,} {kind} written to {file}")


@app.command("list")
def list_(
    kind: KindName = "campaigns",
    campaign: Annotated[str, typer.Option("--campaign", help="Only ads of this campaign.")] = "",
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1)] = 50,
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """What there is. Example: adcascade catalog list ads --campaign c1 --dir demo."""
    with _store(directory) as store:
        every = nouns_of(store, _kind(kind))
        chosen = (noun for noun in every if not campaign or (isinstance(noun, Ad) and noun.campaign == campaign))
        found = list(islice(chosen, limit))
    Console().print(_table(found) if found else f"no {kind}")
    if len(found) == limit:
        Console(stderr=True).print(f"the first {limit}; --limit shows more")
    write_json(json, {kind: [msgspec.to_builtins(noun) for noun in found]})


@app.command()
def show(
    kind: KindName,
    noun_id: Annotated[str, typer.Argument(help="Its id.", metavar="ID")],
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Every field of one. Example: adcascade catalog show ads a1 --dir demo."""
    with _store(directory) as store:
        find = {"advertisers": store.find_advertiser, "campaigns": store.find_campaign, "ads": store.find_ad}
        noun = find[_kind(kind)](noun_id)
    if noun is None:
        raise InputError("ID", noun_id, f"the id of one of the {kind}", f"`adcascade catalog list {kind}` shows them")
    table = Table("field", "value", show_header=False)
    for name, value in msgspec.to_builtins(noun).items():
        table.add_row(name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
    Console().print(table)
    write_json(json, msgspec.to_builtins(noun))


@app.command()
def pause(kind: KindName, ids: Ids, directory: Directory = HERE) -> None:
    """Stop serving campaigns or ads until they are resumed. Example: adcascade catalog pause campaigns c1 c2."""
    _set_status("paused", kind, ids, directory)


@app.command()
def resume(kind: KindName, ids: Ids, directory: Directory = HERE) -> None:
    """Serve campaigns or ads again. Example: adcascade catalog resume ads a1."""
    _set_status("active", kind, ids, directory)


def _set_status(status: Status, kind: str, ids: list[str], directory: Path) -> None:
    if kind not in {"campaigns", "ads"}:
        raise InputError("KIND", kind, "campaigns or ads")
    with _store(directory) as store:
        store.set_status(status, **{kind: ids})
    Console().print(f"{len(ids)} {kind} {status}")


@app.command()
def remove(ids: Ids, directory: Directory = HERE) -> None:
    """Remove ads for good; end or pause campaigns instead. Example: adcascade catalog remove a1 a2 --dir demo."""
    with _store(directory) as store:
        store.remove_ads(ids)
    Console().print(f"{len(ids)} ads removed")


def _table(nouns: list[Noun]) -> Table:
    match nouns[0]:
        case Advertiser():
            table = Table("id", "name", "domain")
        case Campaign():
            table = Table("id", "advertiser", "status", "billing", "bid", "a day", "in all")
        case _:
            table = Table("id", "campaign", "status", "category", "title", "price", "stock")
    for noun in nouns:
        table.add_row(*_cells(noun))
    return table


def _cells(noun: Noun) -> tuple[str, ...]:
    match noun:
        case Advertiser():
            return (noun.id, noun.name, noun.domain)
        case Campaign():
            money = (noun.bid_micros, noun.daily_budget_micros, noun.total_budget_micros)
            return (noun.id, noun.advertiser, noun.status, noun.billing, *map(_money, money))
        case Ad():
            stock = "" if noun.stock is None else str(noun.stock)
            return (noun.id, noun.campaign, noun.status, noun.category, noun.title, _money(noun.price_micros), stock)


def _money(micros: int | None) -> str:
    return "" if micros is None else f"{micros / MICROS:,.2f}"
