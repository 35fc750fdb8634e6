"""`adcascade train`: learn from the event log, or from an imported sample set, into a new bundle."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from adcascade.cascade import promoting
from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cli.options import Directory, JsonFile, progress, require_train_extra, write_json
from adcascade.cli.train_options import (
    CheckpointEvery,
    Launcher,
    NodeRank,
    Nodes,
    On,
    Rendezvous,
    Restarts,
    Resume,
    Workers,
)
from adcascade.settings import load_settings


class Bars:
    """One progress bar per stage."""

    def __init__(self, shown: Progress) -> None:
        self.shown = shown
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """A stage has got this far."""
        if stage not in self.tasks:
            self.tasks[stage] = self.shown.add_task(f"train {stage}", total=total)
        self.shown.update(self.tasks[stage], completed=done, total=total)

    def joined(self, rows: int) -> None:
        """So many more rows left the join."""
        if "join" not in self.tasks:
            self.tasks["join"] = self.shown.add_task("join the log", total=None)
        self.shown.advance(self.tasks["join"], rows)


def train(  # noqa: PLR0917  how typer declares options
    directory: Directory = Path(),
    samples: Annotated[
        Path | None, typer.Option(help="Imported sample set to train ranking and calibration on, instead of the log.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.", min=0)] = 0,
    promote: Annotated[bool, typer.Option(help="Make the new bundle the one that serves.")] = True,
    workers: Workers = 1,
    nodes: Nodes = 1,
    node_rank: NodeRank = 0,
    rendezvous: Rendezvous = "",
    restarts: Restarts = 3,
    on: On = Launcher.TORCHRUN,
    checkpoint_every: CheckpointEvery = 1000,
    resume: Resume = False,
    json: JsonFile = None,
) -> None:
    """Train every stage of the cascade and write a bundle.

    Examples: adcascade train --dir shop      adcascade train --samples criteo-samples --dir criteo --workers 4

    With --workers, --nodes or --on the ranker is trained by several processes, to the same model (docs/scale.md).
    """
    require_train_extra()
    from adcascade.cascade.training import Order, train_from_log, train_from_samples  # noqa: PLC0415  torch is slow
    from adcascade.cli.train_together import Asked  # noqa: PLC0415  torch is slow

    directory.mkdir(parents=True, exist_ok=True)
    asked = Asked(
        directory=directory,
        workers=workers,
        nodes=nodes,
        node_rank=node_rank,
        rendezvous=rendezvous,
        restarts=restarts,
        on=on,
        checkpoint_every=checkpoint_every,
        resume=resume,
    )
    if node_rank > 0:
        asked.assist()
        Console().print(f"machine {node_rank} of {nodes} has done its part; machine 0 writes the bundle")
        return
    together = asked.together()
    now_us = time.time_ns() // 1000
    with progress() as shown:
        bars = Bars(shown)
        order = Order(
            directory=directory,
            now_us=now_us,
            until_us=now_us,
            seed=seed,
            say=bars,
            joined=bars.joined,
            together=together,
        )
        manifest = train_from_log(order) if samples is None else train_from_samples(samples, order)
    if together is not None:
        together.forget()
    if promote:
        promoting.promote(
            Bundles(load_settings(directory).bundles_path),
            manifest.version,
            who="train",
            time_us=time.time_ns() // 1000,
        )
    Console().print(summary(manifest, promoted=promote))
    write_json(json, msgspec.to_builtins(manifest))


def summary(manifest: Manifest, *, promoted: bool) -> Table:
    """What was trained and how good it is on the held-out part of the log."""
    table = Table(title=f"bundle {manifest.version}" + (" (serves)" if promoted else ""), show_header=False)
    table.add_row("rows", f"{manifest.samples:,}")
    for stage, method in manifest.methods.items():
        seconds = manifest.metrics.get(f"seconds_{stage}")
        table.add_row(stage, method + (f"  {seconds:.1f} s" if seconds is not None else ""))
    for name, value in manifest.metrics.items():
        if not name.startswith("seconds_"):
            table.add_row(name, f"{value:,.0f}" if name == "rows" else f"{value:.4f}")
    return table
