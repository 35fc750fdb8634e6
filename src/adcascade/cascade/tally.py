"""Tally: what happened since the start, counted for the status page and the metrics."""

from collections import Counter
from dataclasses import dataclass, field

from adcascade.cascade.answer import EventReceipt
from adcascade.cascade.engine import Outcome, Step


@dataclass(slots=True)
class Tally:
    """Counters; the server's metrics and the status page read them."""

    requests: int = 0
    winners: int = 0
    explored: int = 0
    charged_micros: int = 0
    no_bid: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    stage_ns: Counter[str] = field(default_factory=Counter)
    stage_in: Counter[str] = field(default_factory=Counter)
    stage_out: Counter[str] = field(default_factory=Counter)
    last: tuple[Step, ...] = ()

    def answered(self, outcome: Outcome, winners: int, reason: str) -> None:
        """A request was answered."""
        self.requests += 1
        self.winners += winners
        self.explored += outcome.policy == "exploration"
        if reason:
            self.no_bid[reason] += 1
        for step in outcome.steps:
            self.stage_ns[step.name] += step.elapsed_ns
            self.stage_in[step.name] += len(step.entered)
            self.stage_out[step.name] += len(step.left)
            if step.cut:
                self.cuts[f"{step.name}: {step.cut}"] += 1
        self.last = outcome.steps

    def event(self, receipt: EventReceipt) -> None:
        """An event was received."""
        self.events[receipt.status] += 1
        self.charged_micros += receipt.charged_micros

    def report(self) -> dict[str, object]:
        """Plain numbers and tables."""
        n = max(self.requests, 1)
        return {
            "requests": {
                "answered": self.requests,
                "ads served": self.winners,
                "explored": self.explored,
                "charged": self.charged_micros / 1e6,
            },
            "no bid": dict(self.no_bid),
            "cuts": dict(self.cuts),
            "events": dict(self.events),
            "funnel": [
                {
                    "stage": name,
                    "ads in": round(self.stage_in[name] / n, 1),
                    "ads out": round(self.stage_out[name] / n, 1),
                    "ms": round(self.stage_ns[name] / n / 1e6, 3),
                }
                for name in self.stage_ns
            ],
        }


def why_empty(outcome: Outcome) -> str:
    """A short word for an answer without winners."""
    first = outcome.steps[0]
    if not len(first.left):
        return "no-eligible-ad" if not first.cut else "retrieval-failed"
    if not len(outcome.ranked):
        return "nothing-ranked"
    closed = [step for step in outcome.steps if step.name.endswith("auction")]
    return "below-reserve" if closed and not len(closed[-1].left) else "budget"
