"""`adcascade why-not`: why an ad was not shown in the last hours, as counts by reason."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.why_not import WhyNot
from adcascade.cli.options import Directory, JsonFile, require_folder, write_json

HOUR_US = 3_600_000_000


def why_not(
    ad: Annotated[str, typer.Argument(help="Id of the ad.", show_default=False)],
    directory: Directory = Path(),
    hours: Annotated[float, typer.Option(help="Of so many hours, up to now.", min=0.001)] = 24.0,
    json: JsonFile = None,
) -> None:
    """Count why an ad was not shown: by the log, and asked again now of a sample. Nothing is charged or logged.

    Example: adcascade why-not a17 --dir demo --hours 2
    """
    require_folder(directory)
    service = open_service(directory, Surroundings(owner="why-not"))
    try:
        now_us = service.parts.clock_us()
        told = asyncio.run(service.why_not(ad, now_us - round(hours * HOUR_US), now_us))
    finally:
        service.close()
    show(Console(), told)
    write_json(json, numbers_of(told))


def numbers_of(told: WhyNot) -> object:
    """All but the requests that were asked again."""
    return msgspec.to_builtins(msgspec.structs.replace(told, fates=msgspec.structs.replace(told.fates, sample=())))


def show(console: Console, told: WhyNot) -> None:
    """Both sources, apart."""
    fates = told.fates
    console.print(f"{told.ad} was shown in {fates.of('shown'):,} of {fates.requests:,} requests", highlight=False)
    if fates.more:
        console.print("these are the newest of the period; older ones were not read", highlight=False)
    table = Table("what the log holds", "requests")
    for one in fates.counted:
        if one.requests:
            table.add_row(one.fate.replace("_", " "), f"{one.requests:,}")
    console.print(table)
    if told.reasons:
        console.print(asked_again(told))
    if told.assumed:
        console.print(f"taken as met, since the log does not keep it: {', '.join(told.assumed)}", highlight=False)


def asked_again(told: WhyNot) -> Table:
    """The reasons with their shares, and a request of each."""
    title = f"{told.asked:,} of {told.fates.unranked:,} requests, by bundle {told.bundle} and the catalog as it is now"
    table = Table("why it was not ranked, asked again", "asked", "share", "95 % interval", "such as", title=title)
    for one in told.reasons:
        share = one.share
        ends = f"{share.low:.1%} to {share.high:.1%}"
        table.add_row(one.reason.words, f"{one.asked:,}", f"{share.value:.1%}", ends, one.examples[0])
    return table
