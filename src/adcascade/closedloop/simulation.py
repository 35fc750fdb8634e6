"""Simulating an installation that a demo left: more ticks of its own market."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.opening import Surroundings
from adcascade.cascade.service import AdService
from adcascade.closedloop.compare import Contest, numbers_of, run_cascade, run_policies
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
    trial = None if keep else Trial.of(directory)
    service = simulated_service(directory, clock, None if trial is None else trial.around("trial"))
    try:
        if service.bundle_version == "none":
            raise BundleError(
                f"{directory} has no bundle to simulate: train one with `adcascade train --dir {directory}`"
            )
        counts = popularity_of_log(service, market)
        drive = Drive(market, service, service.parts.feed.store)
        run = run_cascade(drive, clock, span, announce("serve shoppers", views))
        announce("policies beside it", 0)
        policies = run_policies(Contest.beside(service, world, span, counts))
    finally:
        service.close()
        if trial is not None:
            trial.remove()
    if keep:
        World(seed=world.seed, views_per_tick=world.views_per_tick, tick=span.stop).save(directory)
    return {"seed": world.seed, **numbers_of(run, policies)}


@dataclass(frozen=True, slots=True)
class Trial:
    """Copies of an installation's log and catalog, so that something can be tried beside it and thrown away."""

    journal: Path
    catalog: Path

    @classmethod
    def of(cls, directory: Path) -> Self:
        """Copy the files; nobody may be writing to them."""
        settings = load_settings(directory)
        trial = cls(directory / ".trial-journal.db", directory / ".trial-catalog.db")
        trial.remove()
        shutil.copyfile(settings.journal_path, trial.journal)
        shutil.copyfile(settings.catalog_url.removeprefix("sqlite:///"), trial.catalog)
        return trial

    def around(self, owner: str, version: str | None = None) -> Surroundings:
        """A service over the copies."""
        return Surroundings(owner=owner, journal=self.journal, catalog=self.catalog, version=version)

    def remove(self) -> None:
        """Remove the copies, with the files beside them."""
        for copy in (self.journal, self.catalog):
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
                if numbers[winner.ad] >= 0:  # the market drew it
                    ad_of[winner.bid_id] = numbers[winner.ad]
                    shown[numbers[winner.ad]] += 1
        elif isinstance(record, Click) and record.bid_id in ad_of:
            clicks[ad_of.pop(record.bid_id)] += 1
    return clicks, shown
