"""`adcascade supervise`: teachers score logged impressions, for `train.supervision` to learn from."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.cli.options import Directory, JsonFile, progress, require_folder, require_train_extra, write_json
from adcascade.cli.train import Bars


def supervise(
    directory: Directory = Path(),
    student: Annotated[
        list[str] | None, typer.Option(help="Who asks; several share what the teacher says. Default: ranking.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the teachers.", min=0)] = 0,
    json: JsonFile = None,
) -> None:
    """Train teachers on the past of the log and let each score the impressions after it, once.

    Example: adcascade supervise --dir shop, then adcascade train --dir shop with train.supervision = true
    """
    require_train_extra()
    require_folder(directory)
    from adcascade.cascade.supervise import supervise as run  # noqa: PLC0415  torch is slow
    from adcascade.cascade.training import Order  # noqa: PLC0415

    now_us = time.time_ns() // 1000
    with progress() as shown:
        bars = Bars(shown)
        order = Order(directory=directory, now_us=now_us, until_us=now_us, seed=seed, say=bars, joined=bars.joined)
        report = run(order, tuple(student or ("ranking",)))
    table = Table(title="supervision", show_header=False)
    for name, value in msgspec.to_builtins(report).items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    write_json(json, msgspec.to_builtins(report))
