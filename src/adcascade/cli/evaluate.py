"""`adcascade evaluate`: how good a bundle's click probabilities are on a sample set."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.evaluate import evaluate_bundle
from adcascade.cli.options import Directory, JsonFile, progress, write_json
from adcascade.errors import BundleError
from adcascade.events.samples import Samples
from adcascade.settings import load_settings


def evaluate(
    samples: Annotated[
        Path | None, typer.Argument(help="Sample set; without it the installation's own joined log.")
    ] = None,
    directory: Directory = Path(),
    version: Annotated[str | None, typer.Option(help="Bundle; without it the one that serves.")] = None,
    json: JsonFile = None,
) -> None:
    """AUC, GAUC where there are users, log-loss, PCOC and ECE of the calibrated probabilities, by the serving graphs.

    Example: adcascade evaluate criteo-valid --dir criteo --json numbers.json
    """
    bundles = Bundles(load_settings(directory).bundles_path)
    chosen = version or bundles.current()
    if chosen is None:
        raise BundleError(f"no bundle in {bundles.folder} serves yet: train one, or name a version with --version")
    bundles.verify(chosen)
    chosen_samples = Samples(samples or directory / "samples")
    with progress() as shown:
        task = shown.add_task("evaluate", total=len(chosen_samples))
        numbers = evaluate_bundle(bundles.path(chosen), chosen_samples, lambda rows: shown.advance(task, rows))
    table = Table("metric", "value", title=f"bundle {chosen}")
    for name, value in numbers.items():
        table.add_row(name, f"{value:,.0f}" if name == "rows" else f"{value:.5f}")
    Console().print(table)
    write_json(json, {"bundle": chosen, "samples": str(chosen_samples.folder), **numbers})
