"""`adcascade simulate`: the market's shoppers visit an installation, tick by tick, beside policies to compare with."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from adcascade.cli.options import Directory, JsonFile, progress, write_json


def simulate(
    directory: Directory = Path("demo"),
    ticks: Annotated[int, typer.Option(help="Ticks of ten minutes to live through.", min=1)] = 36,
    keep: Annotated[bool, typer.Option(help="Keep what happened in the log; else on a copy that is removed.")] = True,
    json: JsonFile = None,
) -> None:
    """Drive the real engine with simulated shoppers and report every stage, beside random, popularity and the oracle.

    Example: adcascade simulate --dir demo --ticks 36 --json numbers.json
    """
    from adcascade.cli.demo import announcer, funnel, outcomes  # noqa: PLC0415  shared with the demo
    from adcascade.closedloop.simulation import simulate_installation  # noqa: PLC0415

    with progress() as shown:
        numbers = simulate_installation(directory, ticks, announcer(shown), keep=keep)
    console = Console()
    console.print(outcomes(f"{ticks} ticks", numbers))
    console.print(funnel(f"{ticks} ticks", numbers))
    console.print(f"overspend {numbers['overspend_micros']} micros; budgets used {numbers['budget_use']:.1%}")
    write_json(json, numbers)
