"""`adcascade conform`: does the bidder at a URL speak OpenRTB 2.6?"""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adcascade.cli.options import JsonFile, progress, write_json
from adcascade.conformance.page import rules_table
from adcascade.conformance.run import Plan, replay, requests_of
from adcascade.conformance.run import conform as run
from adcascade.conformance.tally import Count, Tally
from adcascade.conformance.text import printable, readable
from adcascade.conformance.trial import Finding, Trial
from adcascade.errors import InputError

WIDE = 160  # characters
COLOURS = {"holds": "green", "violated": "red", "advice": "yellow", "not exercised": "dim"}


def conform(  # noqa: PLR0917  typer's options
    url: Annotated[str, typer.Argument(help="Where the bidder takes bid requests.")] = "",
    mutations: Annotated[int, typer.Option(help="Mutated requests to send after the examples.", min=0)] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed sends the same bytes.")] = 0,
    json: JsonFile = None,
    only: Annotated[
        str | None, typer.Option(help="Send one case of the report again; print request and answer.")
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="Print all rules as a Markdown table and end.")] = False,
    notices: Annotated[
        bool, typer.Option("--notices", help="Also call nurl and burl of every bid on an example. The bidder may bill!")
    ] = False,
    connections: Annotated[int, typer.Option(help="Connections at once, for mutations.", min=1, max=256)] = 8,
    timeout: Annotated[float, typer.Option(help="Seconds of silence that count as a hang.", min=0.1)] = 5.0,
) -> None:
    """Send a bidder our own OpenRTB 2.6 requests and mutations of them; report each violated rule by section.

    The exit status is 0 if no required rule is violated, 1 if one is, 2 if nobody answers at the URL.
    Example: adcascade conform http://127.0.0.1:8080/openrtb2/bid --mutations 10000 --json conformance.json
    """
    if rules:
        print(rules_table(), end="")  # noqa: T201  this is the output
        return
    if not url:
        raise InputError("url", url, "where the bidder takes bid requests", "see `adcascade conform --help`")
    plan = Plan(url=url, mutations=mutations, seed=seed, notices=notices, connections=connections, timeout_s=timeout)
    tally = Tally()
    if only is not None:
        trial = asyncio.run(replay(plan, only))
        tally.judge(trial)
        show_trial(trial, tally, Console())
    else:
        started = time.perf_counter()
        with progress() as bar:
            task = bar.add_task("requests", total=requests_of(plan))
            asyncio.run(run(plan, tally, lambda: bar.advance(task)))
        numbers = tally.json(url, seed, mutations, time.perf_counter() - started)
        show(tally, numbers, console_for(json))
        write_json(json, numbers)
    if tally.violations:
        raise typer.Exit(1)


def console_for(json: JsonFile) -> Console:
    """Standard output, unless the numbers go there; wide enough for the table where no terminal says how wide."""
    console = Console(stderr=str(json) == "-")
    return console if console.is_terminal else Console(stderr=console.stderr, width=WIDE)


def show(tally: Tally, numbers: dict[str, object], console: Console) -> None:
    """The rules, then the counts."""
    table = Table(title=escape(f"OpenRTB 2.6: {numbers['url']}"))
    table.add_column("rule", no_wrap=True)
    table.add_column("section")
    table.add_column("what must hold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("checked", justify="right")
    table.add_column("violated", justify="right")
    for count in tally.counts:
        verdict = f"[{COLOURS[count.verdict]}]{count.verdict}[/]"
        rule = count.rule
        table.add_row(rule.id, rule.section, rule.says, verdict, str(count.checked), str(count.violated))
    console.print(table)
    for count in tally.counts:
        for line in _told(count):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for name in (
        "requests",
        "seconds",
        "statuses",
        "latency_ms",
        "bids",
        "server_errors",
        "hangs",
        "advice",
        "violations",
    ):
        console.print(f"{name}: {numbers[name]}", highlight=False, markup=False)


def _told(count: Count) -> list[str]:
    """A violated rule's first case, and how to see it."""
    if not count.violated:
        return []
    case, found = count.examples[0]
    told = f"{count.rule.id} ({count.rule.section}): {case}"
    return [told, f"    {_where(found)}", f"    to see it: --only {case}"]


def _where(found: Finding) -> str:
    """A finding on one line."""
    return f"{found.path} = {printable(found.value)}: {found.says}"


def show_trial(trial: Trial, tally: Tally, console: Console) -> None:
    """Request, answer, and what the rules say about them."""
    console.print(readable(trial), highlight=False, markup=False, soft_wrap=True)
    for count in tally.counts:
        for _, found in count.examples:
            rule = f"{count.verdict}: {count.rule.id} ({count.rule.section})"
            console.print(f"{rule}: {_where(found)}", highlight=False, markup=False, soft_wrap=True)
    checked = sum(count.checked > 0 for count in tally.counts)
    console.print(f"{checked} rules checked, {tally.violations} violations", highlight=False)
