"""`adcascade demo`: a simulated market, trained, measured and served."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from adcascade.access.store import KeyStore
from adcascade.catalog.store import CatalogStore
from adcascade.cli.options import JsonFile, progress, require_train_extra, write_json
from adcascade.cli.serve import serve
from adcascade.cli.train import Bars
from adcascade.settings import load_settings

POLICIES = ("random", "popularity", "cascade", "oracle")


def demo(
    directory: Annotated[Path, typer.Option("--dir", "-d", help="Working directory to make.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Seed of the market.", min=0)] = 0,
    once: Annotated[bool, typer.Option("--once", help="End after the report; else serve, with shoppers.")] = False,
    port: Annotated[int, typer.Option(help="Port to serve at.", min=0, max=65535)] = 8080,
    json: JsonFile = None,
) -> None:
    """Build a market, train every stage, report the funnel, then serve it with a stream of simulated shoppers.

    Example: adcascade demo --once --json numbers.json
    """
    require_train_extra()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes share the cores; threads of one would wait in loops
    from adcascade.closedloop.laboratory import Laboratory, Plan  # noqa: PLC0415  torch is slow

    start = time.perf_counter()
    with progress() as shown:
        laboratory = Laboratory(directory, Plan(seed=seed), Bars(shown), announcer(shown))
        numbers = laboratory.run()
    numbers["seconds"] = time.perf_counter() - start
    report(numbers)
    write_json(json, numbers)
    if not once:
        from adcascade.closedloop.live import Shoppers  # noqa: PLC0415
        from adcascade.closedloop.world import load_world  # noqa: PLC0415

        with CatalogStore(load_settings(directory).catalog_url) as catalog:
            shoppers = Shoppers(load_world(directory), "127.0.0.1", port, catalog.find_ad)
            shoppers.start()
            welcome(directory, port)
            try:
                serve(directory, host="127.0.0.1", port=port)
            finally:
                shoppers.stop.set()


def welcome(directory: Path, port: int) -> None:
    """A link that leads into the console with a key for a day: it stands behind #, which browsers tell no server."""
    with KeyStore(load_settings(directory).catalog_url) as keys:
        made = keys.create("demo", "administrator", now_us=time.time_ns() // 1000, by="demo", days=1)[1]
    link = f"http://127.0.0.1:{port}/sign-in#{made}"
    Console().print(f"console: [link={link}]{link}[/link]", highlight=False, soft_wrap=True)


def announcer(shown: Progress) -> Callable[[str, int], Callable[[int], None]]:
    """Makes a progress bar of a title and a total."""

    def announce(title: str, total: int) -> Callable[[int], None]:
        task = shown.add_task(title, total=total or None)
        return lambda size: shown.advance(task, size)

    return announce


def report(numbers: dict[str, Any]) -> None:
    """The funnel and the outcome, before and after retraining."""
    console = Console()
    for title, phase in (("first training", numbers), ("retrained on its own log", numbers["retrained"])):
        console.print(outcomes(title, phase))
        console.print(funnel(title, phase))
    before, after = numbers["retrained"]["before"], numbers["retrained"]
    console.print(
        f"retraining: RPM {before['rpm']:.2f} -> {after['rpm']['cascade']:.2f}, "
        f"welfare {before['welfare']:.0f} -> {after['welfare']['cascade']:.0f} on the same shoppers; "
        f"overspend {numbers['overspend_micros'] + after['overspend_micros']} micros; {numbers['seconds']:.0f} s",
        highlight=False,
    )


def outcomes(title: str, phase: dict[str, Any]) -> Table:
    """RPM, welfare and true CTR of all policies; how good the predictions are."""
    table = Table("policy", "RPM", "welfare per 1000", "true CTR", title=title)
    for name in POLICIES:
        table.add_row(name, f"{phase['rpm'][name]:.2f}", f"{phase['welfare'][name]:.0f}", f"{phase['ctr'][name]:.2%}")
    table.caption = "AUC {ctr_auc:.3f}, PCOC {ctr_pcoc:.3f}, against the truth {ctr_pcoc_true:.3f}".format(**phase)
    return table


def funnel(title: str, phase: dict[str, Any]) -> Table:
    """What each stage does to the ads."""
    table = Table("stage", "ads in", "ads out", "recall of winners", "of true best", "p50 ms", "p99 ms", title=title)
    for stage in phase["stages"]:
        table.add_row(
            stage["name"],
            f"{stage['ads_in']:.0f}",
            f"{stage['ads_out']:.0f}",
            f"{stage['recall']:.3f}",
            f"{stage['recall_true']:.3f}",
            f"{stage['ms_p50']:.3f}",
            f"{stage['ms_p99']:.3f}",
        )
    return table
