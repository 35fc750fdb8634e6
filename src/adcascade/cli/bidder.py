"""`adcascade bidder`: learn how campaigns bid, in the world of the installation's own auctions."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.bidding.policy import PolicyManifest
from adcascade.cli.options import Directory, JsonFile, progress, require_folder, require_train_extra, write_json

app = typer.Typer(help="Learn how campaigns bid.", no_args_is_help=True)


@app.command()
def train(  # noqa: PLR0917  typer's options
    directory: Directory = Path(),
    seed: Annotated[int, typer.Option(help="Seed of everything random.", min=0)] = 0,
    rounds: Annotated[int, typer.Option(help="Rounds of 16 episodes to learn for.", min=1)] = 150,
    tau: Annotated[
        float,
        typer.Option(help="Temperature of the credit, in highest bids; 0: only the highest bidder is paid.", min=0),
    ] = 4.0,
    bars: Annotated[bool, typer.Option(help="Learn bars that keep bids, and so revenue, up.")] = True,
    json: JsonFile = None,
) -> None:
    """Learn a bidding policy (MAAB) from the log's auctions, the catalog's bids and budgets, into `bidding/`.

    A server that starts with bidding.method = "maab" follows it. Example: adcascade bidder train --dir shop
    """
    require_train_extra()
    require_folder(directory)
    from adcascade.closedloop.bidder_training import BidderOrder, train_bidder  # noqa: PLC0415  torch is slow

    with progress() as shown:
        task = shown.add_task("learn to bid", total=rounds)
        order = BidderOrder(
            directory=directory,
            until_us=time.time_ns() // 1000,
            seed=seed,
            rounds=rounds,
            tau=tau,
            bars="learned" if bars else "none",
            progress=lambda done: shown.update(task, completed=done),
        )
        policy = train_bidder(order)
    Console().print(summary(policy.manifest))
    write_json(json, msgspec.to_builtins(policy.manifest))


def summary(manifest: PolicyManifest) -> Table:
    """The policy beside full bids, in the world where it learned."""
    table = Table("of the learning world", "policy", "full bids", title=f"learned from {manifest.auctions:,} auctions")
    for name in (key.removeprefix("policy_") for key in manifest.figures if key.startswith("policy_")):
        table.add_row(name, *(f"{manifest.figures[f'{who}_{name}']:.3f}" for who in ("policy", "full_bids")))
    return table
