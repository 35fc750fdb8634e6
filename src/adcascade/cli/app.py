"""`adcascade`: mounts the commands and turns exceptions into a sentence and an exit status.

Exit status: 0 done; 1 it failed, or a claim or a check does not hold; 2 the call was wrong (arguments, file,
configuration). What a command prints for people goes through `rich`; `--json` writes for machines.
"""

import sys

import typer
from rich.console import Console

from adcascade.cli import (
    attribute,
    backup,
    bench,
    bidder,
    bundle,
    catalog,
    conform,
    demo,
    evaluate,
    experiment,
    explain,
    export,
    forecast,
    import_,
    key,
    ledger,
    market,
    reproduce,
    serve,
    simulate,
    supervise,
    traffic,
    train,
    why_not,
)
from adcascade.errors import AdcascadeError, CallerError, ConfigurationError

app = typer.Typer(
    name="adcascade",
    help="An advertising engine that you run yourself: import, train, serve, simulate, explain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("demo")(demo.demo)
app.command("import")(import_.import_)
app.command("train")(train.train)
app.command("supervise")(supervise.supervise)
app.command("evaluate")(evaluate.evaluate)
app.command("export")(export.export)
app.command("serve")(serve.serve)
app.command("simulate")(simulate.simulate)
app.command("attribute")(attribute.attribute)
app.command("explain")(explain.explain)
app.command("why-not")(why_not.why_not)
app.command("forecast")(forecast.forecast)
app.command("conform")(conform.conform)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("reproduce")(reproduce.reproduce)
app.command("bench", context_settings=bench.CONTEXT)(bench.bench)
app.add_typer(catalog.app, name="catalog")
app.add_typer(bundle.app, name="bundle")
app.add_typer(traffic.app, name="traffic")
app.add_typer(experiment.app, name="experiment")
app.add_typer(bidder.app, name="bidder")
app.add_typer(key.app, name="key")
app.add_typer(ledger.app, name="ledger")
app.add_typer(market.app, name="market")


def main() -> None:
    """Run the command line; what adcascade raises on purpose becomes one sentence."""
    try:
        app()
    except AdcascadeError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, markup=True)
        sys.exit(2 if isinstance(error, CallerError | ConfigurationError) else 1)
    except BrokenPipeError:
        sys.exit(1)
