"""`adcascade import`: a public log, or your own, into a sample set."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from adcascade.cli.options import JsonFile, write_json
from adcascade.errors import InputError
from adcascade.events.importers import FORMATS, BadRows, Importer, Log, Options
from adcascade.events.samples import SampleWriter

OnError = Literal["stop", "skip"]


def import_(
    format: Annotated[str, typer.Argument(help=f"One of: {', '.join(FORMATS)}.", show_default=False)],  # noqa: A002  the word of the command line
    sources: Annotated[list[Path], typer.Argument(help="Files, or folders that hold them.", show_default=False)],
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of the sample set, new.", show_default=False)],
    on_error: Annotated[
        OnError, typer.Option("--on-error", help="At a malformed row: stop, or skip and count.")
    ] = "stop",
    mapping: Annotated[Path | None, typer.Option("--mapping", help="generic: which column means what.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Stop after so many rows.")] = None,
    json: JsonFile = None,
) -> None:
    """Read a log, every row checked, into a sample set for `train` and `evaluate`.

    Example: adcascade import criteo train.txt --out samples/criteo
    """
    importer = _importer(format)
    bad = BadRows(on_error)
    log = importer.read(sources, Options(bad=bad, mapping=mapping))
    screen = Console(stderr=True)
    for note in log.notes:
        screen.print(note, highlight=False, markup=False)
    totals = Totals()
    with SampleWriter(out, source=importer.name, features=log.features, label=log.label) as writer, _bar(screen) as bar:
        task = bar.add_task(f"import {importer.name}", total=None)
        for table in _first(log, limit):
            writer.write(table)
            totals.add(table)
            bar.update(task, completed=totals.rows)
    Console().print(_summary(out, totals, bad))
    write_json(json, _numbers(importer, log, totals, bad))


@dataclass
class Totals:
    """What has been read so far; labels are weighted where the source has weights."""

    rows: int = 0
    clicks: int = 0
    weight: float = 0.0
    clicked_weight: float = 0.0
    conversions: int = 0
    first_us: int | None = None
    last_us: int | None = None

    def add(self, table: pa.Table) -> None:
        """Count these rows."""
        self.rows += len(table)
        self.clicks += int(pc.sum(table["click"], min_count=0).as_py())
        weight = table["weight"] if "weight" in table.column_names else pa.chunked_array([[1.0] * len(table)])
        self.weight += pc.sum(weight, min_count=0).as_py()
        self.clicked_weight += pc.sum(pc.multiply(table["click"], weight), min_count=0).as_py()
        if "conversion" in table.column_names:
            self.conversions += int(pc.sum(table["conversion"], min_count=0).as_py())
        if "time_us" in table.column_names and len(table):
            ends = pc.min_max(table["time_us"]).as_py()
            self.first_us = _least(self.first_us, ends["min"])
            self.last_us = -_least(None if self.last_us is None else -self.last_us, -ends["max"])

    @property
    def ctr(self) -> float:
        """Clicks an impression, weighted."""
        return self.clicked_weight / self.weight if self.weight else 0.0


def _least(old: int | None, new: int) -> int:
    """The smaller one; None is nothing yet."""
    return new if old is None else min(old, new)


def _importer(name: str) -> Importer:
    """The format of this name; InputError where there is none."""
    if name not in FORMATS:
        raise InputError("format", name, f"one of {', '.join(FORMATS)}", "see adcascade import --help")
    return FORMATS[name]


def _first(log: Log, limit: int | None) -> Iterator[pa.Table]:
    """The tables up to `limit` rows in all."""
    left = limit
    for table in log.tables:
        if left is None:
            yield table
            continue
        yield table.slice(0, left)
        left -= min(left, len(table))
        if left == 0:
            return


def _bar(screen: Console) -> Progress:
    """A spinner with the rows so far, for how many there will be is not known."""
    rows = TextColumn("{task.completed:,.0f} rows")
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), rows, TimeElapsedColumn(), console=screen)


def _summary(out: Path, totals: Totals, bad: BadRows) -> Table:
    """What people read at the end."""
    table = Table("", "", show_header=False)
    table.add_row("rows", f"{totals.rows:,}")
    table.add_row("clicks", f"{totals.clicks:,}")
    table.add_row("CTR", f"{totals.ctr:.4%}")
    if totals.conversions:
        table.add_row("conversions", f"{totals.conversions:,}")
    if totals.first_us is not None and totals.last_us is not None:
        table.add_row("from", _written(totals.first_us))
        table.add_row("to", _written(totals.last_us))
    for reason, rows in bad.reasons.most_common():
        table.add_row(f"skipped, {reason}", f"{rows:,}")
    table.add_row("sample set", str(out))
    return table


def _written(time_us: int) -> str:
    """A time as people write it."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _numbers(importer: Importer, log: Log, totals: Totals, bad: BadRows) -> dict[str, object]:
    """What --json writes."""
    return {
        "format": importer.name,
        "rows": totals.rows,
        "clicks": totals.clicks,
        "ctr": totals.ctr,
        "conversions": totals.conversions,
        "first_us": totals.first_us,
        "last_us": totals.last_us,
        "skipped": bad.skipped,
        "skipped_by_reason": dict(bad.reasons),
        "features": len(log.features),
        "notes": list(log.notes),
    }
