"""What each stage does to the ads: how many enter and leave, how long it takes, and what it loses.

On every nth request the whole eligible catalog is ranked, without narrowing, by the same models; the winners of that
auction are the reference. A stage's recall is the share of the reference winners that are still there after it.
Beside it stands the agreement with the truth: the share of the ads with the best true eCPM that are still there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.answer import Answer
from adcascade.cascade.engine import Outcome, Step
from adcascade.cascade.service import AdService
from adcascade.catalog.snapshot import Snapshot
from adcascade.closedloop.report import percentiles
from adcascade.contracts import AdRequest, Candidates
from adcascade.contracts.ecpm import ecpm_of
from adcascade.market.market import Market
from adcascade.market.twins import Twins
from adcascade.market.views import VIEWS_IN_TICK


@dataclass(slots=True)
class StageTally:
    """Sums over requests."""

    entered: int = 0
    left: int = 0
    calls: int = 0
    cut: int = 0
    kept: float = 0.0
    kept_true: float = 0.0
    judged: int = 0
    nanoseconds: list[int] = field(default_factory=list)


class FunnelWatch:
    """A watcher of Drive. every: which requests are judged; truth: request -> rows of the truly best ads."""

    def __init__(self, service: AdService, truth: Callable[[AdRequest], NDArray[np.int32]], *, every: int = 25) -> None:
        self.service, self.truth, self.every = service, truth, every
        self.requests = 0
        self.total_ns: list[int] = []
        self.stages: dict[str, StageTally] = {}

    def __call__(self, request: AdRequest, answer: Answer, outcome: Outcome) -> None:  # noqa: ARG002  a watcher of Drive
        """One request was answered."""
        if outcome.policy != "cascade":
            return
        for step in outcome.steps:
            tally = self.stages.setdefault(step.name, StageTally())
            tally.entered += len(step.entered)
            tally.left += len(step.left)
            tally.calls += 1
            tally.cut += bool(step.cut)
            tally.nanoseconds.append(step.elapsed_ns)
        self.total_ns.append(sum(step.elapsed_ns for step in outcome.steps))
        if self.requests % self.every == 0:
            self._judge(request, outcome)
        self.requests += 1

    def _judge(self, request: AdRequest, outcome: Outcome) -> None:
        reference, best = unnarrowed_winners(self.service, request), self.truth(request)
        if not len(reference) or not len(best):
            return
        for step in _first_of_each(outcome.steps):
            tally = self.stages[step.name]
            tally.kept += float(np.isin(reference, step.left.ad).mean())
            tally.kept_true += float(np.isin(best, step.left.ad).mean())
            tally.judged += 1

    def report(self) -> list[dict[str, float | str]]:
        """Per stage: name, ads in, ads out, recalls, share of the time, p50 and p99."""
        total = sum(sum(t.nanoseconds) for t in self.stages.values()) or 1
        return [
            {
                "name": name,
                "ads_in": tally.entered / tally.calls,
                "ads_out": tally.left / tally.calls,
                "recall": tally.kept / max(tally.judged, 1),
                "recall_true": tally.kept_true / max(tally.judged, 1),
                "cut_share": tally.cut / tally.calls,
                "time_share": sum(tally.nanoseconds) / total,
                **percentiles(np.array(tally.nanoseconds, np.float64)),
            }
            for name, tally in self.stages.items()
        ]

    def latency(self) -> dict[str, float]:
        """p50 and p99 of all stages together."""
        return percentiles(np.array(self.total_ns, np.float64))


def unnarrowed_winners(service: AdService, request: AdRequest) -> NDArray[np.int32]:
    """Rows of the winners when every eligible ad is ranked; budgets are not asked."""
    opportunity = service.opportunity(request)
    bits = np.unpackbits(service.parts.snapshot.eligible(request, request.time_us), bitorder="little")
    candidates = Candidates.of(np.flatnonzero(bits).astype(np.int32))
    for stage in service.loaded.reference:
        candidates = stage(opportunity, candidates)
    return candidates.ad


class TrueBest:
    """The ads with the best true eCPM for a request of the market, as many as it has slots; budgets are not asked."""

    def __init__(self, market: Market, snapshot: Snapshot) -> None:
        self.market, self.snapshot = market, snapshot
        self._twins = Twins(market)
        self._tick, self._views = -1, market.views(0)

    def __call__(self, request: AdRequest) -> NDArray[np.int32]:
        """Rows of the catalog, best first."""
        tick, number = divmod(int(request.id.removeprefix("r")), VIEWS_IN_TICK)
        if tick != self._tick:
            self._tick, self._views = tick, self.market.views(tick)
        view = self._views.take(np.array([number]))
        bits = np.unpackbits(self.snapshot.eligible(request, request.time_us), bitorder="little")
        rows = np.flatnonzero(bits).astype(np.int32)
        ads = [ad for ad in (self.snapshot.ads[row] for row in rows) if ad is not None]  # who may answer is there
        numbers = np.array([self._twins.of(ad) for ad in ads], np.int64)
        ctr = self.market.first_slot_ctr(view)[0, numbers]
        ecpm = ecpm_of(ctr, self.snapshot.bid[rows], self.snapshot.billing_click[rows])
        return rows[np.argsort(-ecpm, kind="stable")[: len(request.slots)]]


def _first_of_each(steps: tuple[Step, ...]) -> list[Step]:
    """The first step of each name: an auction that was held again counts once."""
    first: dict[str, Step] = {}
    for step in steps:
        first.setdefault(step.name, step)
    return list(first.values())
