"""`adcascade evaluate`: how good a bundle's click probabilities are on a sample set."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.evaluate import evaluate_bundle
from adcascade.cascade.score_on_ray import evaluate_on_ray
from adcascade.cli.options import Directory, JsonFile, progress, write_json
from adcascade.errors import BundleError, InputError
from adcascade.events.samples import Samples
from adcascade.settings import load_settings


class Place(StrEnum):
    """Where a set is scored."""

    HERE = "here"
    RAY = "ray"


def evaluate(  # noqa: PLR0917  how typer declares options
    samples: Annotated[
        Path | None, typer.Argument(help="Sample set; without it the installation's own joined log.")
    ] = None,
    directory: Directory = Path(),
    version: Annotated[str | None, typer.Option(help="Bundle; without it the one that serves.")] = None,
    on: Annotated[Place, typer.Option("--on", help="Where: in this process, or in a Ray cluster.")] = Place.HERE,
    scores: Annotated[
        Path | None, typer.Option(help="With --on ray: also write every row's probability here, as Parquet.")
    ] = None,
    json: JsonFile = None,
) -> None:
    """AUC, GAUC where there are users, log-loss, PCOC and ECE of the calibrated probabilities, by the serving graphs.

    Example: adcascade evaluate criteo-valid --dir criteo --json numbers.json
    """
    if scores is not None and on is Place.HERE:
        raise InputError("--scores", str(scores), "nothing, without --on ray")
    bundles = Bundles(load_settings(directory).bundles_path)
    chosen = version or bundles.current()
    if chosen is None:
        raise BundleError(f"no bundle in {bundles.folder} serves yet: train one, or name a version with --version")
    bundles.verify(chosen)
    chosen_samples = Samples(samples or directory / "samples")
    with progress() as shown:
        task = shown.add_task("evaluate", total=len(chosen_samples))
        root, more = bundles.path(chosen), lambda rows: shown.advance(task, rows)
        if on is Place.RAY:
            numbers = evaluate_on_ray(root, chosen_samples, more, scores=scores)
        else:
            numbers = evaluate_bundle(root, chosen_samples, more)
    table = Table("metric", "value", title=f"bundle {chosen}")
    for name, value in numbers.items():
        table.add_row(name, f"{value:,.0f}" if name == "rows" else f"{value:.5f}")
    Console().print(table)
    write_json(json, {"bundle": chosen, "samples": str(chosen_samples.folder), **numbers})
