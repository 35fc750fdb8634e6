"""`adcascade export`: what an installation knows, as files that other tools read."""

import tarfile
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console

from adcascade.cascade.bundle import Bundles
from adcascade.catalog.store import CatalogStore
from adcascade.cli.options import Directory, progress
from adcascade.errors import BundleError, DataMissingError, InputError
from adcascade.events.funnel import funnel
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord
from adcascade.money.opening import open_books
from adcascade.settings import Settings, load_settings

ROWS = 50_000  # of a Parquet row group


class What(StrEnum):
    """What can be exported."""

    events = "events"
    funnel = "funnel"
    charges = "charges"
    bundle = "bundle"


def export(
    what: Annotated[What, typer.Argument(help="events, funnel and charges: Parquet; bundle: a .tar.gz.")],
    out: Annotated[Path, typer.Argument(help="File to write.", show_default=False)],
    directory: Directory = Path(),
    version: Annotated[str | None, typer.Option(help="Of the bundle; without it the one that serves.")] = None,
) -> None:
    """Write events, the funnel of ranked candidates, or all charges as Parquet; or a bundle as one file.

    Example: adcascade export charges charges.parquet --dir demo
    """
    settings = load_settings(directory)
    if out.exists():
        raise InputError("out", str(out), "a file that does not exist yet", "remove it, or name another")
    out.parent.mkdir(parents=True, exist_ok=True)
    if what is What.bundle:
        count = _bundle(settings, version, out)
        Console().print(f"{out}: {count} files", highlight=False)
        return
    if not settings.journal_path.exists():
        raise DataMissingError(f"{settings.journal_path} does not exist: nothing was served in {directory} yet")
    with Journal(settings.journal_path) as journal:
        readers: dict[What, Callable[[Journal], Iterator[pa.Table]]] = {
            What.events: _events,
            What.funnel: _funnel,
            What.charges: partial(_charges, settings),
        }
        tables = readers[what](journal)
        count = _write(tables, out, what)
    Console().print(f"{out}: {count:,} rows", highlight=False)


def _write(tables: Iterator[pa.Table], out: Path, title: str) -> int:
    """All tables into one Parquet file; the number of rows."""
    count = 0
    writer: pq.ParquetWriter | None = None
    with progress() as shown:
        task = shown.add_task(f"export {title}", total=None)
        try:
            for table in tables:
                writer = writer or pq.ParquetWriter(out, table.schema, compression="zstd")
                writer.write_table(table)
                count += len(table)
                shown.update(task, completed=count)
        finally:
            if writer is not None:
                writer.close()
    if writer is None:
        raise DataMissingError("the log holds nothing of this kind yet: serve for a while first")
    return count


EVENTS = pa.schema(
    [
        ("seq", pa.int64()),
        ("kind", pa.string()),
        ("id", pa.string()),
        ("time_us", pa.int64()),
        ("bid_id", pa.string()),
        ("value_micros", pa.int64()),
    ]
)


def _events(journal: Journal) -> Iterator[pa.Table]:
    """Impressions, viewable ones, clicks and conversions as they were logged."""
    lines: list[dict[str, object]] = []
    for seq, record in journal.read(kinds=("impression", "viewable", "click", "conversion")):
        if isinstance(record, AuctionRecord):
            continue
        plain = msgspec.to_builtins(record)
        lines.append({"seq": seq, "kind": plain.pop("type"), **plain})
        if len(lines) == ROWS:
            yield pa.Table.from_pylist(lines, schema=EVENTS)
            lines = []
    if lines:
        yield pa.Table.from_pylist(lines, schema=EVENTS)


def _funnel(journal: Journal) -> Iterator[pa.Table]:
    """Every ranked candidate of every request."""
    auctions: list[AuctionRecord] = []
    for _, record in journal.read(kinds=("auction",)):
        if isinstance(record, AuctionRecord):
            auctions.append(record)
        if len(auctions) == ROWS // 100:
            yield funnel(auctions)
            auctions = []
    if auctions:
        yield funnel(auctions)


def _charges(settings: Settings, journal: Journal) -> Iterator[pa.Table]:
    """Every charge."""
    with CatalogStore(settings.catalog_url) as store:
        payers = {campaign.id: campaign.advertiser for campaign in store.campaigns()}
    books = open_books(settings.money.books, journal, advertiser_of=payers, weak=settings.money.redis_weak)
    lines = books.charges()
    books.close()
    for start in range(0, len(lines), ROWS):
        yield pa.Table.from_pylist(lines[start : start + ROWS])


def _bundle(settings: Settings, version: str | None, out: Path) -> int:
    """A verified bundle as a .tar.gz; unpack it into another installation's `bundles` to move it."""
    bundles = Bundles(settings.bundles_path)
    chosen = version or bundles.current()
    if chosen is None:
        raise BundleError(f"no bundle in {bundles.folder} serves yet: train one, or name a version with --version")
    manifest = bundles.verify(chosen)
    with tarfile.open(out, "w:gz") as archive:
        archive.add(bundles.path(chosen), arcname=chosen)
    return len(manifest.files) + 1
