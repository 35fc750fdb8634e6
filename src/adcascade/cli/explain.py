"""`adcascade explain`: one request's way through the cascade."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.cascade.asked import EXAMPLE, asked_of
from adcascade.cascade.explain import Explanation, Line
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cli.options import Directory, JsonFile, write_json
from adcascade.contracts import AdRequest
from adcascade.errors import DataMissingError


def explain(
    request: Annotated[Path, typer.Argument(help="AdRequest as JSON; see docs/configuration.md.", show_default=False)],
    directory: Directory = Path(),
    ad: Annotated[str | None, typer.Option(help="Follow this ad, and say where it was lost.")] = None,
    top: Annotated[int, typer.Option(help="How many ads to show per stage.", min=1)] = 5,
    json: JsonFile = None,
) -> None:
    """Show which ads lived and died at each stage, with scores, bids and prices, and why. Nothing is charged or logged.

    Example: adcascade explain request.json --dir demo --ad a17
    """
    asked = read_request(request)
    around = Surroundings(owner="explain")
    service = open_service(directory, around)
    try:
        told = asyncio.run(service.explain(asked, ad=ad, top=top))
    finally:
        service.close()
    show(Console(), told)
    write_json(json, msgspec.to_builtins(told))


def read_request(file: Path) -> AdRequest:
    """The request, marked as a test; its time is now where the file names none."""
    if not file.exists():
        raise DataMissingError(f"{file} does not exist; write a request there, such as {EXAMPLE}")
    return asked_of(file.read_bytes(), time.time_ns() // 1000, str(file))


def show(console: Console, told: Explanation) -> None:
    """Everything, as tables."""
    console.print(f"bundle {told.bundle}, policy {told.policy}", highlight=False)
    if told.excluded.ads:
        table = Table("ads that may not answer", "why")
        for reason, count in told.excluded.reasons.items():
            table.add_row(f"{count:,}", reason)
        console.print(table)
    for stage in told.stages:
        title = f"{stage.name}: {stage.ads_in} -> {stage.ads_out}  ({stage.ms:.2f} ms)"
        console.print(candidates(title + (f"  {stage.cut}" if stage.cut else ""), stage.best))
    console.print(candidates("winners", told.winners))
    if told.ad is not None:
        console.print(f"{told.ad.id} {told.ad.fate}", highlight=False)


def candidates(title: str, told: list[Line]) -> Table:
    """Some candidates with what is known of them."""
    lines = [msgspec.to_builtins(line) for line in told]
    columns = list(dict.fromkeys(key for line in lines for key in line if key != "place"))
    table = Table(*columns, title=title, title_justify="left")
    for line in lines:
        table.add_row(*(_written(line.get(column, "")) for column in columns))
    return table


def _written(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
