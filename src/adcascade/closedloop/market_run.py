"""A run of the market with its dials: policies, and a cascade that learns of it, on the same shoppers and luck.

    warm-up    shoppers are answered by chance, and a log fills: what popularity and the cascade know
    training   with `cascade`: every stage learns from that log, in an installation that lies in the run's own folder
    measuring  all policies answer each tick; what they did is a line of progress.jsonl

Without a cascade the auction is that of a new installation, with the market's own examination as slot factors, and
nothing of torch is imported.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.auction import METHODS, AuctionStage
from adcascade.cascade.bundle import Bundles
from adcascade.closedloop import market_files as files
from adcascade.closedloop.compare import CascadeRun, auction_of, run_cascade
from adcascade.closedloop.copied import copied
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, install, simulated_service
from adcascade.closedloop.market_figures import Cascade, Result, Step, Sums, result_of
from adcascade.closedloop.market_order import Order, require_training
from adcascade.closedloop.policies import MarketSellers, PolicyDrive, choosers_of, uniform_chooser
from adcascade.closedloop.shown import Shown
from adcascade.closedloop.simulation import popularity_of_log
from adcascade.errors import AdcascadeError, BundleError
from adcascade.market.clock import tick_start_us
from adcascade.market.market import Market
from adcascade.market.scenarios import MOST_SLOTS
from adcascade.settings import AuctionSettings, load_settings

Tell = Callable[[Step], None]
Counts = tuple[NDArray[np.float64], NDArray[np.float64]]  # clicks and impressions of each ad, [A] each
TOLD_S = 0.5  # between two words of training
NICE = 10


def run_market(folder: Path, order: Order, tell: Tell | None = None) -> Result:
    """Run it; the folder holds all of market_files.py afterwards. tell: hears of each step.

    Whatever ends it leaves its sentence in error.txt.
    """
    files.prepare(folder, order)
    try:
        with (folder / files.PROGRESS).open("ab", buffering=0) as lines:

            def told(step: Step) -> None:
                lines.write(msgspec.json.encode(step) + b"\n")
                if tell is not None:
                    tell(step)

            result = _Run(folder, order, told).run()
        files.write(folder / files.RESULT, msgspec.json.format(msgspec.json.encode(result)))
    except Exception as error:
        said = str(error) if isinstance(error, AdcascadeError) else f"{type(error).__name__}: {error}"
        files.write(folder / files.ERROR, said.encode())
        raise
    finally:
        shutil.rmtree(folder / files.INSTALLATION, ignore_errors=True)
    return result


@dataclass(slots=True)
class _Run:
    """steps: those that were measured."""

    folder: Path
    order: Order
    tell: Tell
    steps: list[Step] = field(default_factory=list)

    def run(self) -> Result:
        """All phases."""
        order = self.order
        if order.cascade and not order.installation:
            require_training()
        self.tell(Step(phase="make the market", done=0, of=1))
        market = Market(order.config, order.seed)
        ticks = range(order.warm_up, order.warm_up + order.ticks)
        if order.cascade:
            directory = self.folder / files.INSTALLATION
            counts = None if order.installation else self._learn(directory, market)
            if order.installation:
                copied(Path(order.installation), directory)
            return result_of(self.steps, self._with_cascade(directory, market, ticks, counts))
        auction = _auction(market)
        counts = self._warm_up(market, PolicyDrive(market, auction, uniform_chooser(market, market.seed)).run)
        drives = _drives(market, auction, counts)
        for tick in ticks:
            self._measure(tick, drives, {})
        return result_of(self.steps)

    def _warm_up(self, market: Market, live: Callable[[range], Shown]) -> Counts:
        clicks, shown = np.zeros(len(market.ads)), np.zeros(len(market.ads))
        for tick in range(self.order.warm_up):
            part = live(range(tick, tick + 1))
            clicks += np.bincount(part.ad, part.clicked.astype(np.float64), len(clicks))
            shown += np.bincount(part.ad, minlength=len(shown))
            self.tell(Step(phase="warm up by chance", done=tick + 1, of=self.order.warm_up))
        return clicks, shown

    def _measure(self, tick: int, drives: dict[str, PolicyDrive], more: dict[str, Shown]) -> None:
        """One tick of every policy. more: what others showed on the same page views."""
        market = next(iter(drives.values())).market
        views = market.views(tick)
        shown = more | {name: drive.tick(tick, views) for name, drive in drives.items()}
        step = Step(
            phase="measure", done=tick - self.order.warm_up + 1, of=self.order.ticks, tick=tick, views=len(views),
            sums={name: sums_of(shown[name]) for name in self.order.policies},
        )  # fmt: skip
        self.steps.append(step)
        self.tell(step)

    def _learn(self, directory: Path, market: Market) -> Counts:
        """An installation of this market, whose bundle learned from its warm-up."""
        install(directory, market, 0)
        clock = clock_at(0)
        service = simulated_service(directory, clock)
        try:
            counts = self._warm_up(market, Drive(market, service, service.parts.feed.store, watch=clock.watch).run)
        finally:
            service.close()
        self._train(directory, self.order.warm_up)
        return counts

    def _with_cascade(self, directory: Path, market: Market, ticks: range, counts: Counts | None) -> Cascade:
        """The installation's service beside the policies. counts None: those of its log."""
        clock = clock_at(ticks.start)
        service = simulated_service(directory, clock)
        try:
            if service.bundle_version == "none":
                raise BundleError(f"{self.order.installation} has no bundle: train one with `adcascade train`")
            counts = counts or popularity_of_log(service, market)
            sold = auction_of(service)
            beside = AuctionStage(
                sold.rule, MarketSellers.of(market), reserve_micros=sold.reserve_micros, slot_factors=sold.slot_factors
            )
            drives = _drives(market, beside, counts)
            drive = Drive(market, service, service.parts.feed.store)
            drive.told = lambda tick, shown: self._measure(tick, drives, {"cascade": shown})
            return _cascade_of(run_cascade(drive, clock, ticks))
        finally:
            service.close()

    def _train(self, directory: Path, tick: int) -> None:
        from adcascade.cascade.training import Order as Lesson  # noqa: PLC0415  torch, which policies do without
        from adcascade.cascade.training import train_from_log  # noqa: PLC0415

        last: dict[str, float] = {}

        def say(stage: str, done: int, total: int) -> None:
            now = time.monotonic()
            if now - last.get(stage, -TOLD_S) >= TOLD_S or done == total:
                last[stage] = now
                self.tell(Step(phase=f"train {stage}", done=done, of=total))

        now_us = tick_start_us(tick)
        manifest = train_from_log(
            Lesson(directory=directory, now_us=now_us, until_us=now_us, seed=self.order.seed, say=say)
        )
        Bundles(load_settings(directory).bundles_path).promote(manifest.version)


def _auction(market: Market) -> AuctionStage:
    """That of a new installation."""
    usual = AuctionSettings()
    factors = (1.0 + np.arange(MOST_SLOTS)) ** -market.config.position_decay
    return AuctionStage(
        METHODS[usual.rule], MarketSellers.of(market), reserve_micros=usual.reserve_micros, slot_factors=factors
    )


def _drives(market: Market, auction: AuctionStage, counts: Counts) -> dict[str, PolicyDrive]:
    return {name: PolicyDrive(market, auction, chooser) for name, chooser in choosers_of(market, counts).items()}


def sums_of(shown: Shown) -> Sums:
    """What a policy showed, in sums."""
    return Sums(
        impressions=len(shown),
        clicks=int(shown.clicked.sum()),
        conversions=int(shown.converted.sum()),
        charged=int(shown.charged.sum()),
        welfare=float((shown.truth * shown.value).sum()),
        truth=float(shown.truth.sum()),
    )


def _cascade_of(run: CascadeRun) -> Cascade:
    return Cascade(
        stages=[dict(stage) for stage in run.stages],
        prediction=dict(run.prediction),
        overspend_micros=run.overspend_micros,
        budget_use=run.budget_use,
    )


def attend() -> None:
    """Give way to other processes, and end with the one that holds the other end of standard input.

    So a server that is killed leaves no run behind.
    """
    os.nice(NICE)

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="attend", daemon=True).start()
