"""`adcascade market`: run the simulator with dials, and watch the policies beside the one that knows the truth."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from adcascade.cli.options import JsonFile, progress, write_json
from adcascade.closedloop.market_figures import Result, Step, sentence
from adcascade.closedloop.market_order import DIALS, MOST_SEED, MOST_TICKS, Order, order_of_texts
from adcascade.closedloop.world import continued
from adcascade.errors import InputError

app = typer.Typer(help="The simulated market: run it with dials of your own.", no_args_is_help=True)


@app.callback()
def market() -> None:
    """The simulated market."""


@app.command()
def dials() -> None:
    """All dials of the market: what each does, its default, and what a run takes."""
    table = Table("dial", "default", "range", "what it does")
    for name, (one, usual) in DIALS.items():
        table.add_row(name, f"{usual}", one.range, " ".join(filter(None, (one.words, one.unit and f"({one.unit})"))))
    Console().print(table)


@app.command()
def run(
    *,
    turned: Annotated[
        list[str] | None, typer.Option("--set", help="A dial as NAME=VALUE; as often as you like (`market dials`).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the market.", min=0, max=MOST_SEED)] = 0,
    warm_up: Annotated[
        int, typer.Option(help="Ticks of ten minutes answered by chance first, to learn from.", min=6, max=MOST_TICKS)
    ] = 72,
    ticks: Annotated[int, typer.Option(help="Ticks of ten minutes that are measured.", min=1, max=MOST_TICKS)] = 36,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Also train a cascade of this market (slower; needs the train extra).")
    ] = False,
    installation: Annotated[
        Path | None,
        typer.Option(help="Go on with the market of this installation, by its bundle, on a copy; dials are its own."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run: dials, progress, result.")] = Path("run"),
    attended: Annotated[
        bool, typer.Option("--attended", help="Give way to others, and end when standard input ends: for programs.")
    ] = False,
    json: JsonFile = None,
) -> None:
    """Run random, popularity, the oracle and, with --cascade, a cascade over the same shoppers of one market.

    Example: adcascade market run --set users=500 --set drift=0 --ticks 36 --out runs/still
    """
    from adcascade.closedloop.market_run import attend, run_market  # noqa: PLC0415  engine and market

    if attended:
        attend()
    if installation is not None:
        order = continued(installation, ticks)
    else:
        told = {"seed": str(seed), "warm_up": str(warm_up), "ticks": str(ticks), "cascade": "yes" if cascade else "no"}
        order = order_of_texts(_set(turned or []) | told)
    with progress() as shown:
        result = run_market(out, order, _Bars(shown))
    _report(order, result)
    write_json(json, msgspec.to_builtins(result))


def _set(turned: list[str]) -> dict[str, str]:
    found = {}
    for one in turned:
        name, equals, value = one.partition("=")
        if not equals:
            raise InputError("--set", one, "NAME=VALUE", "see `adcascade market dials`")
        found[name] = value
    return found


class _Bars:
    """One progress bar a phase."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: Step) -> None:
        """A phase has got this far."""
        if step.phase not in self._tasks:
            self._tasks[step.phase] = self._shown.add_task(step.phase, total=step.of)
        self._shown.update(self._tasks[step.phase], completed=step.done, total=step.of)


def _report(order: Order, result: Result) -> None:
    console = Console()
    table = Table("policy", "RPM", "welfare per 1000", "true CTR", "of the oracle's welfare")
    for name in order.policies:
        one = result.policies[name]
        table.add_row(name, f"{one.rpm:.2f}", f"{one.welfare:.2f}", f"{one.true_ctr or 0:.2%}", f"{one.share or 0:.0%}")
    table.title = f"{result.views:,} page views, seed {order.seed}"
    console.print(table)
    console.print(sentence(result), highlight=False)
