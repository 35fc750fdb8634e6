"""`adcascade catalog`: files in and out, what there is, pause, resume and remove, what was done."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.catalog.audit import AuditLine
from adcascade.catalog.files import export_file, import_files, kind_of
from adcascade.catalog.kinds import KINDS, Kind, Noun
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Status
from adcascade.catalog.pages import MOST, Filters, Sort
from adcascade.catalog.store import CatalogStore
from adcascade.cli.options import Directory, JsonFile, write_json
from adcascade.errors import InputError
from adcascade.settings import load_settings

app = typer.Typer(
    help="Advertisers, campaigns, ad groups and ads: import, export, list, pause, history.", no_args_is_help=True
)
HERE = Path()
MICROS = 1_000_000

KindName = Annotated[str, typer.Argument(help="advertisers, campaigns, ad_groups or ads.", metavar="KIND")]
Ids = Annotated[list[str], typer.Argument(help="Ids.", metavar="ID...")]
Limit = Annotated[int, typer.Option("--limit", help="At most so many.", min=1)]
OnError = Annotated[str, typer.Option("--on-error", help="At a row that cannot be used: stop, or skip and count.")]


@contextmanager
def _store(directory: Path) -> Iterator[CatalogStore]:
    with CatalogStore(load_settings(directory).catalog_url) as store:
        yield store


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise InputError("KIND", name, "advertisers, campaigns, ad_groups or ads")
    return name


@app.command("import")
def import_(  # noqa: PLR0917  each is an option of the command
    files: Annotated[list[Path], typer.Argument(help="Files that end in .jsonl, .csv or .parquet.")],
    kind: Annotated[str, typer.Option("--kind", help="What the files hold; without it their names tell.")] = "",
    on_error: OnError = "stop",
    audit: Annotated[str, typer.Option("--audit", help="In the audit log: each changed one, or a summary.")] = "each",
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Put files into the catalog, all or nothing; ids that are there are replaced.

    Example: adcascade catalog import advertisers.csv campaigns.csv ads.parquet --dir demo
    """
    if on_error not in {"stop", "skip"}:
        raise InputError("--on-error", on_error, "stop or skip")
    if audit not in {"each", "summary"}:
        raise InputError("--audit", audit, "each or summary")
    named = [(_kind(kind) if kind else kind_of(file), file) for file in files]
    console = Console(stderr=True)
    with _store(directory) as store, console.status("reading and writing"):
        report = import_files(
            store,
            named,
            on_error=cast("Literal['stop', 'skip']", on_error),
            audit=cast("Literal['each', 'summary']", audit),
        )
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
def list_(  # noqa: PLR0917  each is an option of the command
    kind: KindName = "campaigns",
    advertiser: Annotated[str, typer.Option("--advertiser", help="Only what is this advertiser's.")] = "",
    campaign: Annotated[str, typer.Option("--campaign", help="Only what is in this campaign.")] = "",
    ad_group: Annotated[str, typer.Option("--ad-group", help="Only ads of this ad group.")] = "",
    status: Annotated[str, typer.Option("--status", help="active, paused or ended.")] = "",
    search: Annotated[str, typer.Option("--search", help="Text in the id, the name or the title.")] = "",
    sort: Annotated[str, typer.Option("--sort", help="By id, name, or changed (the last first).")] = "id",
    limit: Limit = 50,
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """What there is. Example: adcascade catalog list ads --campaign c1 --dir demo."""
    filters = Filters(advertiser=advertiser, campaign=campaign, ad_group=ad_group, status=status, text=search)
    found: list[Noun] = []
    after = ""
    with _store(directory) as store:
        while len(found) < limit:
            many = min(MOST, limit - len(found))
            page = store.page(_kind(kind), filters=filters, sort=cast("Sort", sort), after=after, limit=many)
            found += [stored.noun for stored in page.nouns]
            after = page.next
            if not after:
                break
    Console().print(_table(found) if found else f"no {kind}")
    if after:
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
        stored = store.find(_kind(kind), noun_id)
    if stored is None:
        raise InputError("ID", noun_id, f"the id of one of the {kind}", f"`adcascade catalog list {kind}` shows them")
    table = Table("field", "value", show_header=False)
    shown = msgspec.to_builtins(stored.noun)
    for name, value in shown.items():
        table.add_row(name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
    Console().print(table)
    write_json(json, shown)


@app.command()
def pause(kind: KindName, ids: Ids, directory: Directory = HERE) -> None:
    """Stop serving campaigns, ad groups or ads until resumed. Example: adcascade catalog pause campaigns c1 c2."""
    _set_status("paused", kind, ids, directory)


@app.command()
def resume(kind: KindName, ids: Ids, directory: Directory = HERE) -> None:
    """Serve campaigns, ad groups or ads again. Example: adcascade catalog resume ads a1."""
    _set_status("active", kind, ids, directory)


def _set_status(status: Status, kind: str, ids: list[str], directory: Path) -> None:
    if kind not in {"campaigns", "ad_groups", "ads"}:
        raise InputError("KIND", kind, "campaigns, ad_groups or ads")
    given: dict[str, list[str]] = {"campaigns": [], "ad_groups": [], "ads": [], kind: ids}
    with _store(directory) as store:
        store.set_status(status, campaigns=given["campaigns"], ad_groups=given["ad_groups"], ads=given["ads"])
    Console().print(f"{len(ids)} {kind} {status}")


@app.command()
def remove(ids: Ids, directory: Directory = HERE) -> None:
    """Remove ads for good; end or pause campaigns instead. Example: adcascade catalog remove a1 a2 --dir demo."""
    with _store(directory) as store:
        store.remove_ads(ids)
    Console().print(f"{len(ids)} ads removed")


@app.command()
def history(
    kind: KindName,
    noun_id: Annotated[str, typer.Argument(help="Its id.", metavar="ID")],
    limit: Limit = 50,
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Who changed one, when and how. Example: adcascade catalog history campaigns c1 --dir demo."""
    with _store(directory) as store:
        lines = store.history(_kind(kind), noun_id, limit=limit)
    _show_lines(lines, limit, json)


@app.command()
def audit(
    after: Annotated[int, typer.Option("--after", help="Behind the line of this number.", min=0)] = 0,
    limit: Limit = 50,
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Who changed what, oldest first; the log is append-only. Example: adcascade catalog audit --after 120."""
    with _store(directory) as store:
        lines = store.audit(after=after, limit=limit)
    _show_lines(lines, limit, json)


def _show_lines(lines: list[AuditLine], limit: int, json: Path | None) -> None:
    table = Table("number", "when (UTC)", "who", "what", "id", "changed")
    for line in lines:
        when = f"{datetime.fromtimestamp(line.time_us / 1e6, UTC):%Y-%m-%d %H:%M:%S}"
        table.add_row(str(line.number), when, line.who, f"{line.action} {line.kind}", line.id, _difference(line))
    Console().print(table if lines else "nothing")
    if len(lines) == limit:
        Console(stderr=True).print(f"{limit} lines; --limit shows more")
    write_json(json, {"lines": [msgspec.to_builtins(line) for line in lines]})


def _difference(line: AuditLine) -> str:
    """The fields that are others now; a field that is not told is as by default."""
    before, after = line.before or {}, line.after or {}
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if line.before is None or line.after is None:
        return ", ".join(names)
    return ", ".join(f"{name}: {before.get(name, 'default')} to {after.get(name, 'default')}" for name in names)


def _table(nouns: list[Noun]) -> Table:
    match nouns[0]:
        case Advertiser():
            table = Table("id", "name", "domain")
        case Campaign():
            table = Table("id", "advertiser", "status", "billing", "bid", "a day", "in all")
        case AdGroup():
            table = Table("id", "campaign", "status", "name", "bid")
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
        case AdGroup():
            return (noun.id, noun.campaign, noun.status, noun.name, _money(noun.bid_micros))
        case Ad():
            stock = "" if noun.stock is None else str(noun.stock)
            return (noun.id, noun.campaign, noun.status, noun.category, noun.title, _money(noun.price_micros), stock)


def _money(micros: int | None) -> str:
    return "" if micros is None else f"{micros / MICROS:,.2f}"
