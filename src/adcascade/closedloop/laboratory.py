"""The laboratory: a market from its first day to a retrained cascade, with the numbers of each phase.

    warm-up    no models yet: the service answers by chance, at the reserve, and its log fills (the cold start)
    training   every stage learns from that log
    phase 1    the trained cascade serves, beside random, popularity and the oracle
    retraining every stage learns from the whole log, the cascade's own part included
    phase 2    the retrained cascade serves; beside it, on the same page views, the one before it

All with the same shoppers and the same luck, so that differences are the policies'. Imports torch (it trains).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cascade.lesson import Say
from adcascade.cascade.training import Order, train_from_log
from adcascade.closedloop.compare import Contest, numbers_of, run_cascade, run_policies
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, install, simulated_service
from adcascade.closedloop.report import Numbers
from adcascade.closedloop.shown import Shown
from adcascade.closedloop.simulation import Trial
from adcascade.closedloop.world import World
from adcascade.market.clock import TICKS_PER_DAY, day_curve, tick_start_us
from adcascade.market.market import Market
from adcascade.settings import load_settings

Announce = Callable[[str, int], Callable[[int], None]]  # title, total -> told of each step's size


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long each phase is, in ticks of ten minutes, and how busy the market."""

    seed: int = 0
    views_per_tick: float = 45.0
    warm_up: int = 2 * TICKS_PER_DAY
    phase: int = TICKS_PER_DAY

    def world(self, tick: int) -> World:
        """The market, lived through up to a tick."""
        return World(seed=self.seed, views_per_tick=self.views_per_tick, tick=tick)

    @property
    def first(self) -> range:
        """Ticks of phase 1."""
        return range(self.warm_up, self.warm_up + self.phase)

    @property
    def second(self) -> range:
        """Ticks of phase 2."""
        return range(self.warm_up + self.phase, self.warm_up + 2 * self.phase)


@dataclass(slots=True)
class Laboratory:
    """One experiment in one working directory. say: hears of training; announce: makes a progress bar."""

    directory: Path
    plan: Plan
    say: Say
    announce: Announce

    def run(self) -> dict[str, Any]:
        """All phases; the numbers of phase 1, and under "retrained" those of phase 2.

        What the cascade is compared with runs beside it in a second process.
        """
        plan = self.plan
        market = plan.world(0).market()
        install(self.directory, market, 0)
        warm = self._warm_up(market)
        counts = _counts(warm, len(market.ads))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
            before = self._train(plan.warm_up)
            first = self._phase(market, plan.first, counts, beside)
            after = self._train(plan.second.start, promote=False)
            trial = Trial.of(self.directory)
            control = beside.submit(run_control, self.directory, trial, before.version, plan)
            Bundles(load_settings(self.directory).bundles_path).promote(after.version)
            second = self._phase(market, plan.second, counts, beside)
            outcome = control.result()
        plan.world(plan.second.stop).save(self.directory)
        return {
            "seed": plan.seed,
            **first,
            "trained": before.metrics,
            "retrained": {
                **second,
                "trained": after.metrics,
                "before": {"rpm": outcome["rpm"], "welfare": outcome["welfare"]},
            },
        }

    def _warm_up(self, market: Market) -> Shown:
        clock = clock_at(0)
        service = simulated_service(self.directory, clock)
        try:
            drive = Drive(market, service, service.parts.feed.store, watch=clock.watch)
            return drive.run(range(self.plan.warm_up), self._bar("warm up by chance", market, range(self.plan.warm_up)))
        finally:
            service.close()

    def _train(self, tick: int, *, promote: bool = True) -> Manifest:
        now_us = tick_start_us(tick)
        done = self.announce("join the log", 0)
        manifest = train_from_log(
            Order(
                directory=self.directory,
                now_us=now_us,
                until_us=now_us,
                seed=self.plan.seed,
                say=self.say,
                joined=done,
            )
        )
        if promote:
            Bundles(load_settings(self.directory).bundles_path).promote(manifest.version)
        return manifest

    def _phase(
        self,
        market: Market,
        ticks: range,
        counts: tuple[NDArray[np.float64], NDArray[np.float64]],
        beside: Executor,
    ) -> dict[str, Any]:
        """The cascade over these ticks, and the policies over the same."""
        clock = clock_at(ticks.start)
        service = simulated_service(self.directory, clock)
        try:
            policies = beside.submit(run_policies, Contest.beside(service, self.plan.world(0), ticks, counts))
            drive = Drive(market, service, service.parts.feed.store)
            run = run_cascade(drive, clock, ticks, self._bar("serve shoppers", market, ticks))
        finally:
            service.close()
        return numbers_of(run, policies.result())

    def _bar(self, title: str, market: Market, ticks: Sequence[int]) -> Callable[[int], None]:
        return self.announce(title, round(sum(expected_views(market, tick) for tick in ticks)))


def run_control(directory: Path, trial: Trial, version: str, plan: Plan) -> Numbers:
    """The bundle of before over phase 2, on a copy of the log that is thrown away afterwards."""
    clock = clock_at(plan.second.start)
    service = simulated_service(directory, clock, trial.around("control", version))
    try:
        drive = Drive(plan.world(0).market(), service, service.parts.feed.store)
        return run_cascade(drive, clock, plan.second, None).outcome
    finally:
        service.close()
        trial.remove()


def expected_views(market: Market, tick: int) -> float:
    """Mean number of page views of a tick."""
    return market.config.views_per_tick * day_curve(tick)


def _counts(shown: Shown, ads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Clicks and impressions per ad of the market, [A] each: what popularity knows."""
    clicks: NDArray[np.float64] = np.bincount(shown.ad, shown.clicked.astype(np.float64), ads).astype(np.float64)
    return clicks, np.bincount(shown.ad, minlength=ads).astype(np.float64)
