"""`adcascade experiment`: ask the live traffic. A running server takes up what is written here within a second."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.cascade.arms import verify
from adcascade.cascade.opening import wall_clock_us
from adcascade.cli.options import Directory, JsonFile, require_folder, write_json
from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.events.read import read_records
from adcascade.experiments.experiment import Experiment, chosen, even_shares, variant_of
from adcascade.experiments.intervals import Estimate
from adcascade.experiments.results import FIGURES, Results, results_of
from adcascade.experiments.store import ExperimentStore, Stored
from adcascade.experiments.verdict import Verdict, verdict_of
from adcascade.settings import Settings, load_settings

app = typer.Typer(help="Split live traffic between variants, and say what came of it.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the experiment.")]
Shares = Annotated[
    str | None, typer.Option(help="Shares of new units, as control=0.9,high=0.1; without it, the same for all.")
]
HERE = Path()
DAY_US = 86_400_000_000


@contextmanager
def opened(settings: Settings) -> Iterator[ExperimentStore]:
    """The installation's experiments."""
    require_folder(settings.directory)
    with Journal(settings.journal_path) as journal:
        yield ExperimentStore(journal)


@app.command()
def create(  # noqa: PLR0917  typer's options
    name: Name,
    arm: Annotated[
        list[str],
        typer.Option(
            help="NAME, or NAME:KEY=VALUE,... with keys bundle, auction.* and engine.*; the first is the base."
        ),
    ],
    shares: Shares = None,
    unit: Annotated[
        str, typer.Option(help="user: a person keeps to one arm, where there is a user key; or request.")
    ] = "user",
    adaptive: Annotated[
        bool, typer.Option(help="Move the traffic to the arm whose clicks convert best, however late they do.")
    ] = False,
    floor: Annotated[float, typer.Option(help="Least share of an arm, where adaptive.", min=0.0, max=1.0)] = 0.05,
    window_days: Annotated[float, typer.Option(help="A conversion counts so long after its click.")] = 7.0,
    directory: Directory = HERE,
) -> None:
    """Write down an experiment; it begins with `start`.

    Example: adcascade experiment create reserve --arm control --arm high:auction.reserve_micros=400000 --dir demo
    """
    if unit not in ("user", "request"):
        raise InputError("unit", unit, "user or request")
    settings = load_settings(directory)
    experiment = Experiment(
        name=name,
        variants=tuple(map(variant_of, arm)),
        unit="user" if unit == "user" else "request",
        adaptive=adaptive,
        floor=floor if adaptive else 0.0,
        window_us=round(window_days * DAY_US),
    )
    verify(settings, experiment)
    with opened(settings) as store:
        store.create(experiment, allotted(experiment, shares), wall_clock_us())
    Console().print(f"{name}: {len(experiment.arms)} arms; `adcascade experiment start {name}` begins", highlight=False)


@app.command()
def start(name: Name, directory: Directory = HERE) -> None:
    """Give the traffic to an experiment. Example: adcascade experiment start reserve --dir demo."""
    settings = load_settings(directory)
    with opened(settings) as store:
        verify(settings, store.get(name).experiment)
        store.set_status(name, "running", wall_clock_us())
    Console().print(f"{name} runs")


@app.command()
def stop(name: Name, directory: Directory = HERE) -> None:
    """End an experiment for good; its results stay. Example: adcascade experiment stop reserve --dir demo."""
    with opened(load_settings(directory)) as store:
        store.set_status(name, "stopped", wall_clock_us())
    Console().print(f"{name} is stopped")


@app.command()
def allocate(
    name: Name,
    shares: Annotated[str, typer.Argument(help="Shares of new units, as control=0.9,high=0.1.")],
    directory: Directory = HERE,
) -> None:
    """Other shares for units that come from now on.

    Example: adcascade experiment allocate reserve control=0.5,high=0.5 --dir demo
    """
    with opened(load_settings(directory)) as store:
        experiment = store.get(name).experiment
        allocation = store.allocate(name, allotted(experiment, shares), wall_clock_us(), "by command")
    Console().print(f"{name}: allocation {allocation.number}; who came before keeps the arm", highlight=False)


@app.command("list")
def list_(directory: Directory = HERE, json: JsonFile = None) -> None:
    """All experiments. Example: adcascade experiment list --dir demo."""
    with opened(load_settings(directory)) as store:
        found = store.all()
    table = Table("experiment", "status", "since", "unit", "arms", "shares of new units")
    for one in found:
        status, since_us, _ = one.statuses[-1]
        since = datetime.fromtimestamp(since_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        shares = ", ".join(f"{share:.3f}" for share in one.allocations[-1].shares)
        unit = f"{one.experiment.unit}{', adaptive' if one.experiment.adaptive else ''}"
        table.add_row(one.experiment.name, status, since, unit, ", ".join(one.experiment.arms), shares)
    Console().print(table)
    write_json(json, [msgspec.to_builtins(one) for one in found])


@app.command()
def results(
    name: Name,
    directory: Directory = HERE,
    json: JsonFile = None,
    until: Annotated[str | None, typer.Option(help="As of this time, as 2026-03-01T12:00; without it, now.")] = None,
) -> None:
    """Every arm's figures with 95 % intervals, recomputed from the log.

    Example: adcascade experiment results reserve --dir demo
    """
    settings = load_settings(directory)
    now_us = wall_clock_us() if until is None else time_of(until)
    with opened(settings) as store:
        stored = store.get(name)
    records = (record for _, record in read_records(settings.journal_path, after=stored.started_seq))
    found = results_of(stored.experiment, (record for record in records if record.time_us <= now_us), now_us)
    verdict = verdict_of(found, stored.experiment, stored.allocations)
    show(found, stored, verdict, Console(stderr=str(json) == "-"))
    told = {**msgspec.structs.asdict(found), "verdict": verdict}
    write_json(json, msgspec.json.decode(msgspec.json.encode(told)))  # NaN becomes null


def allotted(experiment: Experiment, text: str | None) -> tuple[float, ...]:
    """Shares as a command writes them: control=0.9,high=0.1."""
    if text is None:
        return even_shares(experiment)
    pairs = [part.partition("=") for part in text.split(",")]
    try:
        return chosen(experiment, {name.strip(): float(share) for name, _, share in pairs})
    except ValueError:
        raise InputError("shares", text, f"as {experiment.arms[0]}=0.9,{experiment.arms[-1]}=0.1") from None


def time_of(text: str) -> int:
    """Microseconds of a time, UTC where it names no zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("until", text, "a time as 2026-03-01T12:00") from None
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1e6)


def show(found: Results, stored: Stored, verdict: Verdict, console: Console) -> None:
    """Two tables and the verdict."""
    arms = Table("", title=f"{found.experiment}: {stored.status}, {stored.experiment.unit}s, 95 % intervals")
    for arm in found.arms:
        arms.add_column(arm.arm, justify="right")
    arms.add_row("units", *(f"{arm.units:,}" for arm in found.arms))
    for count in ("requests", "impressions", "clicks", "settled clicks", "settled conversions"):
        arms.add_row(count, *(f"{arm.counts[count]:,}" for arm in found.arms))
    arms.add_row("conversions seen", *(f"{arm.conversions:,}" for arm in found.arms))
    for figure in FIGURES:
        arms.add_row(figure, *(written(arm.estimates[figure]) for arm in found.arms))
        if len(found.arms) > 1:
            arms.add_row(f"  less {found.arms[0].arm}'s", "", *(written(a.differences[figure]) for a in found.arms[1:]))
    arms.add_row("conversions per click, delay corrected", *(number(arm.theta) for arm in found.arms))
    arms.add_row("mean delay, hours", *(number(arm.mean_delay_hours) for arm in found.arms))
    arms.add_row("P(converts best)", *(f"{arm.best:.3f}" for arm in found.arms))
    console.print(arms)
    for sentence in dict.fromkeys((verdict.summary, *verdict.sentences)):
        console.print(f"- {sentence}", highlight=False)


def written(estimate: Estimate) -> str:
    """A figure and its interval."""
    if not estimate.known:
        return number(estimate.value)
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def number(value: float) -> str:
    """Four digits; a dash where it is not known."""
    return f"{value:.4g}" if math.isfinite(value) else "-"
