"""`adcascade reproduce`: run a method's study and say which of its paper's claims hold."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adcascade.cli.options import JsonFile, require_train_extra
from adcascade.errors import InputError
from adcascade.studies import STUDIES
from adcascade.studies.contract import SCALES, Result, Scale
from adcascade.studies.data import data_folder
from adcascade.studies.entry import entry_of
from adcascade.studies.plot import plot
from adcascade.studies.run import json_of, run_study, write_result
from adcascade.studies.text import cell, interval_text, metrics_of, seeds_text, verdict


def reproduce(  # noqa: PLR0917  typer's options
    slug: Annotated[str | None, typer.Argument(help="Short name of the study; --list shows them.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show all studies and end.")] = False,
    scale: Annotated[
        str, typer.Option(help="tiny: the code runs; small: proves the claim; full: for a GPU.")
    ] = "small",
    seeds: Annotated[str | None, typer.Option(help="Seeds, as 0,1,2; without it those of the study.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of public data; else ADCASCADE_DATA, else ../shared/data.")
    ] = None,
    json: JsonFile = None,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="Draw the result into this image file.")] = None,
) -> None:
    """Run a study: a table of baseline, method and ablations, and a verdict for each claim.

    The exit status is 0 only if every claim holds. Example: adcascade reproduce kfatt --seeds 3,4,5 --plot kfatt.png
    """
    if listed:
        Console().print(listing())
        return
    if slug is None:
        raise InputError("study", "", f"one of {', '.join(STUDIES)}", "see `adcascade reproduce --list`")
    entry = entry_of(STUDIES, slug)
    chosen = entry.seeds if seeds is None else parsed_seeds(seeds)
    require_train_extra()
    result = run_study(entry, chosen, parsed_scale(scale), data_folder(data))
    show(result, Console(stderr=str(json) == "-"))
    if str(json) == "-":
        print(json_of(result), end="")  # noqa: T201  this is the output
    elif json is not None:
        write_result(json, result)
    if plot_file is not None:
        plot(plot_file, result)
    if not all(claim.holds for claim in result.claims):
        raise typer.Exit(1)


def parsed_seeds(text: str) -> tuple[int, ...]:
    """0,1,2 -> (0, 1, 2); a run may be written 0-99. InputError where it is neither."""
    try:
        parts = [part.split("-") for part in text.split(",")]
        return tuple(seed for part in parts for seed in range(int(part[0]), int(part[-1]) + 1))
    except ValueError:
        raise InputError("seeds", text, "whole numbers from 0 upward, as 0,1,2 or 0-99") from None


def parsed_scale(text: str) -> Scale:
    """The scale of that name."""
    for scale in SCALES:
        if scale == text:
            return scale
    raise InputError("scale", text, f"one of {', '.join(SCALES)}")


def listing() -> Table:
    """All studies."""
    table = Table("slug", "what", "stage", "paper", "default seeds")
    for slug, entry in STUDIES.items():
        table.add_row(slug, entry.title, entry.room, entry.paper, seeds_text(entry.seeds))
    return table


def show(result: Result, console: Console) -> None:
    """The rows, the claims and the notes."""
    metrics = metrics_of(result)
    rows = Table("", "role", title=escape(f"{result.slug} ({result.paper}): {result.data}"))
    for metric in metrics:
        rows.add_column(metric, justify="right")
    for row in result.rows:
        rows.add_row(escape(row.name), row.role, *(cell(row, metric) for metric in metrics))
    rows.caption = f"scale {result.scale}, seeds {seeds_text(result.seeds)}, {result.seconds:.0f} s"
    claims = Table("claim", "metric", "difference [95 %]", "verdict")
    for claim in result.claims:
        colour = "green" if claim.holds else "red"
        claims.add_row(escape(claim.says), claim.metric, interval_text(claim), f"[{colour}]{verdict(claim)}[/]")
    console.print(rows)
    console.print(claims)
    for note in result.notes:
        console.print(f"- {note}", highlight=False, markup=False)
