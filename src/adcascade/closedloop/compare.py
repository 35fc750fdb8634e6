"""One run of the cascade, and of the policies that it is measured beside, over the same ticks, shoppers and luck."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcascade.auction import METHODS, AuctionStage
from adcascade.cascade.answer import Answer
from adcascade.cascade.engine import Outcome
from adcascade.cascade.service import AdService
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.funnel import FunnelWatch, TrueBest
from adcascade.closedloop.installation import SimulatedClock
from adcascade.closedloop.policies import MarketSellers, PolicyDrive, choosers_of
from adcascade.closedloop.report import Numbers, explored_prediction_of, outcome_of, prediction_of
from adcascade.closedloop.shown import Shown
from adcascade.closedloop.world import World
from adcascade.contracts import AdRequest
from adcascade.money.ledger import Ledger

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeRun:
    """What the cascade did over some ticks."""

    outcome: Numbers  # CTR, RPM, welfare ...
    prediction: Numbers  # AUC, PCOC ...
    stages: list[dict[str, float | str]]
    latency: Numbers
    overspend_micros: int
    ledger_balanced: bool
    budget_use: float  # charged over the daily budgets of the campaigns that were charged


@dataclass(slots=True)
class _Watch:
    """The clock and the funnel both watch."""

    clock: SimulatedClock
    funnel: FunnelWatch
    requests: int = 0

    def __call__(self, request: AdRequest, answer: Answer, outcome: Outcome) -> None:
        self.requests += 1
        self.clock.watch(request, answer, outcome)
        self.funnel(request, answer, outcome)


def run_cascade(
    drive: Drive, clock: SimulatedClock, ticks: Sequence[int], progress: Progress | None = None
) -> CascadeRun:
    """Drive the service through the ticks, and verify its ledger afterwards."""
    service = drive.service
    watch = _Watch(clock, FunnelWatch(service, TrueBest(drive.market, service.parts.snapshot)))
    drive.watch = watch
    shown = drive.run(ticks, progress)
    ledger = Ledger(service.parts.journal)
    return CascadeRun(
        outcome=outcome_of(shown, watch.requests),
        prediction=prediction_of(shown) | explored_prediction_of(shown),
        stages=watch.funnel.report(),
        latency=watch.funnel.latency(),
        overspend_micros=ledger.overspend_micros(),
        ledger_balanced=not ledger.verify(),
        budget_use=_budget_use(ledger),
    )


def _budget_use(ledger: Ledger) -> float:
    rows = [row for row in ledger.report() if row["daily_budget"] and row["charged"]]
    charged, budget = (sum(int(row[name]) for row in rows) for name in ("charged", "daily_budget"))
    return charged / max(budget, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What the policies need to know to play by the cascade's rules; can be sent to another process.

    clicks, shown: per ad of the market, [A], in the log before the ticks: what popularity knows.
    """

    world: World
    ticks: range
    rule: str
    reserve_micros: int
    slot_factors: tuple[float, ...]
    clicks: NDArray[np.float64]
    shown: NDArray[np.float64]

    @classmethod
    def beside(
        cls, service: AdService, world: World, ticks: range, counts: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> "Contest":
        """The rules of this service's auction."""
        auction = auction_of(service)
        rule = next(name for name, method in METHODS.items() if method is auction.rule)
        factors = tuple(float(factor) for factor in auction.slot_factors)
        return cls(
            world=world,
            ticks=ticks,
            rule=rule,
            reserve_micros=auction.reserve_micros,
            slot_factors=factors,
            clicks=counts[0],
            shown=counts[1],
        )


def run_policies(contest: Contest) -> dict[str, Numbers]:
    """Random, popularity and oracle over the ticks of a contest."""
    market = contest.world.market()
    auction = AuctionStage(
        METHODS[contest.rule],
        MarketSellers.of(market),
        reserve_micros=contest.reserve_micros,
        slot_factors=contest.slot_factors,
    )
    views = [market.views(tick) for tick in contest.ticks]
    requests = sum(map(len, views))
    numbers = {}
    for name, chooser in choosers_of(market, (contest.clicks, contest.shown)).items():
        drive = PolicyDrive(market, auction, chooser)
        shown = [drive.tick(tick, part) for tick, part in zip(contest.ticks, views, strict=True)]
        numbers[name] = outcome_of(Shown.concatenate(shown), requests)
    return numbers


def auction_of(service: AdService) -> AuctionStage:
    """The auction that the cascade's winners go through."""
    for place in service.loaded.engine.close.places:
        if isinstance(place.stage, AuctionStage):
            return place.stage
    raise LookupError("the engine holds no auction")


def numbers_of(run: CascadeRun, policies: dict[str, Numbers]) -> dict[str, Any]:
    """One phase as plain numbers: rpm and welfare of all policies first, then everything about the cascade."""
    everyone = {"cascade": run.outcome, **policies}
    return {
        "rpm": {name: numbers["rpm"] for name, numbers in everyone.items()},
        "welfare": {name: numbers["welfare"] for name, numbers in everyone.items()},
        "ctr": {name: numbers["true_ctr"] for name, numbers in everyone.items()},
        "overspend_micros": run.overspend_micros,
        "ledger_balanced": run.ledger_balanced,
        **run.prediction,
        "stages": run.stages,
        **run.latency,
        "budget_use": run.budget_use,
        "outcome": everyone,
    }
