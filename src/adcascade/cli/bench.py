"""`adcascade bench`: run one hot path of benchmarks/ beside its peers, and say whether its bars hold."""

import json as json_module
import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer
from rich.console import Console

from adcascade.bench.found import benchmarks_folder, hot_path, names, parsed
from adcascade.bench.machine import this_machine
from adcascade.bench.repeated import repeated
from adcascade.bench.report import markdown, save, written
from adcascade.cli.options import JsonFile
from adcascade.errors import InputError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which hot path; --list shows them.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show all hot paths and end.")] = False,
    repeat: Annotated[int, typer.Option(min=1, help="Run all of it so many times, fresh each time: medians.")] = 1,
    json: JsonFile = None,
) -> None:
    """Measure one hot path: us, a peer in the same run, the floor, the ratio and the bar.

    What follows the name goes to the benchmark: adcascade bench training --vocab 1000000. The exit status is 0 only if
    every bar holds.
    """
    folder = benchmarks_folder()
    console = Console(stderr=True)
    if listed:
        for one in names(folder):
            console.print(f"{one:20} {hot_path(one, folder).says}", highlight=False, markup=False)
        return
    if name is None:
        raise InputError("benchmark", "", f"one of {', '.join(names(folder))}", "see `adcascade bench --list`")
    path = hot_path(name, folder)
    given = parsed(path, context.args)
    machine = this_machine()
    console.print(str(machine), highlight=False, markup=False)
    with redirect_stdout(sys.stderr):  # what a hot path says on its way is no result
        rows = path.run(given) if repeat == 1 else repeated(name, context.args, repeat)
    result = written(name, path.says, machine, rows, context.args, repeat)
    if str(json) == "-":
        print(json_module.dumps(result, indent=1))  # noqa: T201  this is the output
    else:
        print(markdown(result["rows"]))  # noqa: T201  this is the output
        if json is not None:
            save(json, result)
    if not all(row.holds is not False for row in rows):
        raise typer.Exit(1)
