"""Alarms: what an operator must know, each with a sentence and a remedy.

    calibration   a scenario's clicks differ from those predicted by a ratio, and by more than chance explains
    win-rate      a scenario's answered ads are seen less often than before, by a ratio and beyond chance
    overspend     more was spent than the day's plan had due
    underspend    less was spent than the day's plan had due, although bids are held back
    overload      too large a share of the requests met a rung of the overload ladder
    journal       the event log cannot be written
    lost          records that nobody waited for were lost
    ledger        a balance differs from what its bookings say
    shards        a shard does not answer, so its ads are not served
    shadow        the bundle that should shadow does not, so nobody learns how good it is

The statistics ask for both a ratio and a surprise (metrics/surprise.py): a large ratio of small counts is chance, a
great surprise about a tiny difference is nobody's trouble. `findings` is a pure function of what it is told; the
`Board` remembers since when a finding holds. A finding that comes and goes at its threshold stays up for `hold_us`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from adcascade.cascade.watch import Sums
from adcascade.metrics.surprise import binomial_surprise, poisson_surprise

NAMES = (
    "calibration", "win-rate", "overspend", "underspend", "overload", "journal", "lost", "ledger", "shards", "shadow",
)  # fmt: skip
LEAST = 20.0  # expected clicks or impressions below which a rate is not judged


class Finding(NamedTuple):
    """Something is wrong now. value is beyond threshold."""

    name: str
    scenario: str
    value: float
    threshold: float
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Thresholds; the settings' table [alarms]."""

    surprise: float = 5.0  # standard deviations
    calibration_ratio: float = 1.25
    win_ratio: float = 0.6
    overspend: float = 0.1  # share of the day's budgets
    underspend: float = 0.3
    overload_share: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the rules look at. Windows hold sums by scenario; shares of spending are of the day's budgets."""

    calibration: Mapping[str, Sums]
    day: Mapping[str, Sums]  # the same over a day: what scenarios with little traffic are judged by
    recent: Mapping[str, Sums]
    earlier: Mapping[str, Sums]
    ahead: float = 0.0  # spent beyond what the plan had due, share of the paced budgets
    behind: float = 0.0  # not spent although due, of campaigns whose bids are held back
    asked: int = 0  # requests of the overload window
    shed: int = 0  # of those, on a rung above 0 or declined
    trouble: str = ""  # of the journal
    lost: int = 0  # records that the disk refused, in the last hour
    differences: int = 0  # of the ledger
    absent: tuple[str, ...] = ()  # shards that cannot be asked, as sentences
    shadow: str = ""  # why no bundle shadows although one should


def findings(now: Situation, limits: Limits) -> list[Finding]:
    """All that is wrong."""
    found = [
        _calibration(name, now.calibration.get(name, Sums()), limits) or _calibration(name, sums, limits)
        for name, sums in now.day.items()
    ]
    found += [_win_rate(name, sums, now.earlier.get(name, Sums()), limits) for name, sums in now.recent.items()]
    return [
        one
        for one in (*found, *_spend(now, limits), _overload(now, limits), *_books(now), _shards(now), _shadow(now))
        if one is not None
    ]


def _calibration(scenario: str, sums: Sums, limits: Limits) -> Finding | None:
    if max(sums.predicted, sums.clicks) < LEAST:
        return None
    ratio = (sums.predicted + 0.5) / (sums.clicks + 0.5)
    surprise = abs(poisson_surprise(sums.clicks, sums.predicted))
    if surprise < limits.surprise or 1 / limits.calibration_ratio <= ratio <= limits.calibration_ratio:
        return None
    return Finding(
        "calibration",
        scenario,
        ratio,
        limits.calibration_ratio if ratio > 1 else 1 / limits.calibration_ratio,
        f"{sums.predicted:.1f} clicks were predicted and {sums.clicks} came ({surprise:.1f} standard deviations)",
        "look whether clicks are still reported; then train again, or roll the bundle back: adcascade bundle rollback",
    )


def _win_rate(scenario: str, sums: Sums, before: Sums, limits: Limits) -> Finding | None:
    if not before.bids or sums.bids * before.seen / before.bids < LEAST:
        return None
    rate, usual = sums.seen / sums.bids, min(1.0, before.seen / before.bids)
    surprise = -binomial_surprise(min(sums.seen, sums.bids), sums.bids, usual)
    if surprise < limits.surprise or rate > limits.win_ratio * usual:
        return None
    return Finding(
        "win-rate",
        scenario,
        rate,
        limits.win_ratio * usual,
        f"{sums.seen} of {sums.bids} answered ads were seen; before it were {usual:.1%}",
        "look whether impression URLs are reached, whether the exchange changed floors, and at the last bundle",
    )


def _spend(now: Situation, limits: Limits) -> list[Finding]:
    found = []
    if now.ahead > limits.overspend:
        sentence = f"paced campaigns spent {now.ahead:.1%} of their day's budgets more than the plan had due"
        remedy = "compare the day's traffic with the forecast; restart to learn the curve of the last days"
        found.append(Finding("overspend", "", now.ahead, limits.overspend, sentence, remedy))
    if now.behind > limits.underspend:
        sentence = f"campaigns whose bids are held back are {now.behind:.1%} of their day's budgets behind the plan"
        remedy = "see bidding.control_s and the pacing factors; bidding.method = fixed bids as advertisers bid"
        found.append(Finding("underspend", "", now.behind, limits.underspend, sentence, remedy))
    return found


def _overload(now: Situation, limits: Limits) -> Finding | None:
    share = now.shed / now.asked if now.asked else 0.0
    if share <= limits.overload_share:
        return None
    sentence = f"{now.shed} of {now.asked} requests met a shortened cascade or were declined"
    remedy = "add processes or cores, or lower engine.retrieve and engine.prerank"
    return Finding("overload", "", share, limits.overload_share, sentence, remedy)


def _books(now: Situation) -> list[Finding]:
    found = []
    if now.trouble:
        sentence = f"the event log cannot be written, so nothing is served: {now.trouble}"
        found.append(
            Finding("journal", "", 1.0, 0.0, sentence, "free space or mend the disk; serving goes on by itself")
        )
    if now.lost:
        sentence = f"{now.lost} records of answered requests could not be written"
        remedy = "their events are still billed; training lacks them. Look at the disk"
        found.append(Finding("lost", "", float(now.lost), 0.0, sentence, remedy))
    if now.differences:
        sentence = f"{now.differences} balances of the ledger differ from their bookings"
        remedy = "stop serving, keep the file and report it; see docs/operations.md"
        found.append(Finding("ledger", "", float(now.differences), 0.0, sentence, remedy))
    return found


def _shards(now: Situation) -> Finding | None:
    if not now.absent:
        return None
    remedy = "start what is named, or mend the network; its ads come back by themselves"
    return Finding("shards", "", float(len(now.absent)), 0.0, "; ".join(now.absent), remedy)


def _shadow(now: Situation) -> Finding | None:
    if not now.shadow:
        return None
    remedy = "serving goes on without it; mend what is named and shadow again, or adcascade bundle shadow --off"
    return Finding("shadow", "", 1.0, 0.0, f"the shadow bundle is given up: {now.shadow}", remedy)


class Alarm(NamedTuple):
    """A finding and since when it holds."""

    finding: Finding
    since_us: int
    last_us: int  # when it was found last

    def told(self) -> dict[str, object]:
        """As JSON has it."""
        return {**self.finding._asdict(), "since_us": self.since_us}


class Board:
    """The alarms that are up. Each rise and fall is one line of the log."""

    def __init__(self, hold_us: int = 60_000_000) -> None:
        self._hold_us = hold_us
        self._up: dict[tuple[str, str], Alarm] = {}

    @property
    def up(self) -> Sequence[Alarm]:
        """In order of their rise."""
        return tuple(self._up.values())

    def look(self, found: Iterable[Finding], now_us: int) -> None:
        """What was found now."""
        log = structlog.get_logger()
        for finding in found:
            key = (finding.name, finding.scenario)
            before = self._up.get(key)
            self._up[key] = Alarm(finding, now_us if before is None else before.since_us, now_us)
            if before is None:
                log.error("alarm", **finding._asdict())
        for key, alarm in list(self._up.items()):
            if now_us - alarm.last_us > self._hold_us:
                del self._up[key]
                log.warning("alarm over", name=alarm.finding.name, scenario=alarm.finding.scenario)
