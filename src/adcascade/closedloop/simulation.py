"""Simulating an installation that a demo left: more ticks of its own market."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.opening import Surroundings
from adcascade.cascade.service import AdService
from adcascade.closedloop.compare import auction_of, numbers_of, run_cascade, run_policies
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, simulated_service
from adcascade.closedloop.world import World, load_world
from adcascade.errors import BundleError
from adcascade.events.records import AuctionRecord, Click
from adcascade.market.market import Market
from adcascade.settings import load_settings

Announce = Callable[[str, int], Callable[[int], None]]


def simulate_installation(directory: Path, ticks: int, announce: Announce, *, keep: bool) -> dict[str, Any]:
    """Live through the next `ticks` of the directory's market. keep: in its own log, else on a copy of it."""
    world = load_world(directory)
    market, span = world.market(), range(world.tick, world.tick + ticks)
    views = sum(len(market.views(tick)) for tick in span)
    clock = clock_at(world.tick)
    trial = None if keep else copy_of_log(directory)
    around = Surroundings(owner="server" if keep else "trial", journal=trial)
    service = simulated_service(directory, clock, around)
    try:
        if service.bundle_version == "none":
            raise BundleError(
                f"{directory} has no bundle to simulate: train one with `adcascade train --dir {directory}`"
            )
        counts = popularity_of_log(service, market)
        drive = Drive(market, service, service.parts.feed.store if keep else None)
        run = run_cascade(drive, clock, span, announce("serve shoppers", views))
        done = announce("policies beside it", 3 * views)
        policies = run_policies(market, auction_of(service), span, popularity=counts, progress=done)
    finally:
        service.close()
        if trial is not None:
            remove_copy(trial)
    if keep:
        World(seed=world.seed, views_per_tick=world.views_per_tick, tick=span.stop).save(directory)
    return {"seed": world.seed, **numbers_of(run, policies)}


def copy_of_log(directory: Path) -> Path:
    """A copy of the installation's log, for a trial beside it; nobody may be writing to the log."""
    copy = directory / ".trial.db"
    remove_copy(copy)
    shutil.copyfile(load_settings(directory).journal_path, copy)
    return copy


def remove_copy(copy: Path) -> None:
    """Remove what `copy_of_log` made, with the files beside it."""
    for file in copy.parent.glob(f"{copy.name}*"):
        file.unlink()


def popularity_of_log(service: AdService, market: Market) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Clicks and answered winners per ad of the market, [A] each, over the whole log."""
    numbers = [market.ad_index.get(name, -1) for name in service.parts.snapshot.ad_ids]
    shown, clicks = np.zeros(len(market.ads)), np.zeros(len(market.ads))
    ad_of: dict[str, int] = {}
    for _, record in service.parts.journal.read(kinds=("auction", "click")):
        if isinstance(record, AuctionRecord):
            for winner in record.winners:
                ad_of[winner.bid_id] = numbers[winner.ad]
                shown[numbers[winner.ad]] += 1
        elif isinstance(record, Click) and record.bid_id in ad_of:
            clicks[ad_of.pop(record.bid_id)] += 1
    return clicks, shown
