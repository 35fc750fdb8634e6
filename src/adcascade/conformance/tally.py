"""Tally: what a run counts, and what it tells machines."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from adcascade.conformance.rule import Rule
from adcascade.conformance.rules import RULES
from adcascade.conformance.trial import Finding, Trial

KEPT = 5  # examples of a violated rule
LONGEST = 200  # characters of a value that the report repeats


@dataclass(slots=True)
class Count:
    """One rule: how often it was looked at, how often it was violated, and the first cases."""

    rule: Rule
    checked: int = 0
    violated: int = 0
    examples: list[tuple[str, Finding]] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`holds`, `violated`, `advice` (a recommended rule is violated) or `not exercised`."""
        if not self.checked:
            return "not exercised"
        if not self.violated:
            return "holds"
        return "violated" if self.rule.level == "required" else "advice"


class Tally:
    """Judges trials one by one; nothing of a trial is kept but its findings and its time."""

    def __init__(self, rules: tuple[Rule, ...] = RULES) -> None:
        self.counts = [Count(rule) for rule in rules]
        self.statuses: Counter[str] = Counter()
        self.times: list[float] = []
        self.bids = 0
        self.hangs = 0

    def judge(self, trial: Trial) -> list[tuple[Rule, Finding]]:
        """Count a trial, and return what it violates."""
        self.statuses[str(trial.reply.status) if trial.reply.status else trial.reply.fault] += 1
        self.times.append(trial.reply.seconds)
        self.bids += trial.bids
        self.hangs += trial.reply.fault == "hang"
        found: list[tuple[Rule, Finding]] = []
        for count in self.counts:
            for outcome in count.rule.check(trial):
                count.checked += 1
                if outcome is not None:
                    count.violated += 1
                    found.append((count.rule, outcome))
                    if len(count.examples) < KEPT:
                        count.examples.append((trial.probe.name, outcome))
        return found

    @property
    def violations(self) -> int:
        """Of required rules."""
        return sum(count.violated for count in self.counts if count.rule.level == "required")

    @property
    def advice(self) -> int:
        """Violations of recommended rules."""
        return sum(count.violated for count in self.counts if count.rule.level == "recommended")

    def json(self, url: str, seed: int, mutations: int, seconds: float) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "url": url,
            "seed": seed,
            "mutations": mutations,
            "requests": len(self.times),
            "seconds": round(seconds, 3),
            "statuses": dict(sorted(self.statuses.items())),
            "latency_ms": {"p50": self._ms(0.5), "p99": self._ms(0.99), "max": self._ms(1.0)},
            "bids": self.bids,
            "rules": [_row(count) for count in self.counts],
            "violations": self.violations,
            "advice": self.advice,
            "server_errors": sum(times for status, times in self.statuses.items() if status.startswith("5")),
            "hangs": self.hangs,
        }

    def _ms(self, share: float) -> float:
        """The time that this share of the requests did not exceed."""
        ordered = sorted(self.times)
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else 0.0


def _row(count: Count) -> dict[str, Any]:
    examples = [
        {"case": case, "path": found.path, "value": _short(found.value), "says": found.says}
        for case, found in count.examples
    ]
    return {
        "id": count.rule.id,
        "section": count.rule.section,
        "says": count.rule.says,
        "level": count.rule.level,
        "verdict": count.verdict,
        "checked": count.checked,
        "violated": count.violated,
        "examples": examples,
    }


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text.encode("utf-8", "backslashreplace").decode()[:LONGEST]
