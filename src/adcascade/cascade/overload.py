"""The overload ladder: what is left out when requests reach the engine late, written once.

A server that gets more than it can do must choose: answer everybody late, which is answering nobody, or do less.
The one thing looked at is how late the process is: the age of a request when the engine begins with it, and

    pressure = max( age / standard time allowed,  the pressure of before, halved every half-life ),    at most 1

climbs the rungs, and calm climbs down:

    0   all work
    1   half width: the models read half of their candidates
    2   pre-ranking alone: the ranker and the conversion model are left out
    3   decline at once: as 2, and who waited longer than `patience` of its time gets no answer but a quick "no";
        an exchange's request that waited so long of the standard time gets it before its body is read

On every rung a request whose time is over, or would be over before the engine could be done, is declined before any
work. A rung is climbed at once and left when the pressure is below half of what led to it; since pressure fades by
its half-life, an outlier is forgotten in a second and a rung does not flap. Events and tracking URLs never come here.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

from adcascade.cascade.deadline import Pace

RUNGS = ("all work", "half width", "pre-ranking alone", "decline at once")
OVERLOAD = "overload"  # why a request was declined: the top rung
TOO_LATE = "too-late"  # why a request was declined: its own time is over


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRule:
    """The dials. climb: pressure that leads to rungs 1, 2, 3."""

    climb: tuple[float, float, float] = (0.1, 0.25, 0.5)
    leave: float = 0.5  # a rung is left below this share of what led to it
    half_life_s: float = 0.25
    patience: float = 0.25  # of its own time a request may have waited on the top rung

    def __post_init__(self) -> None:
        if not (0 < self.climb[0] < self.climb[1] < self.climb[2] <= 1 and 0 < self.leave < 1 and self.half_life_s > 0):
            raise ValueError(
                f"{self} is no ladder: rungs rise within (0, 1], leave lies in (0, 1), half_life_s above 0"
            )


class Footing(NamedTuple):
    """Where on the ladder the process stands."""

    rung: int = 0
    pressure: float = 0.0  # 0 to 1
    at_s: float = 0.0  # when it was looked at


def step(footing: Footing, late: float, now_s: float, rule: LadderRule) -> Footing:
    """The footing after one look. late: age of a request over the standard time, 0 or more.

    Monotone: a later request, or a higher footing, never leads to a lower rung.
    """
    faded = footing.pressure * 0.5 ** (max(0.0, now_s - footing.at_s) / rule.half_life_s)
    pressure = min(1.0, max(late, faded))
    rung = max(footing.rung, bisect_right(rule.climb, pressure))  # limits that the pressure reaches
    while rung and pressure < rule.leave * rule.climb[rung - 1]:
        rung -= 1
    return Footing(rung, pressure, now_s)


def refusal(rung: int, *, age_us: float, timeout_us: float, need_us: float, rule: LadderRule) -> str:
    """Why a request of this age is declined before any work; "" where it is taken.

    timeout_us: its whole time; need_us: what the engine is expected to take for it.
    """
    if age_us + need_us >= timeout_us:
        return TOO_LATE
    if rung >= len(RUNGS) - 1 and age_us > rule.patience * timeout_us:
        return OVERLOAD
    return ""


def width(rung: int, candidates: int) -> int:
    """How many of its candidates a model reads on a rung, at least one."""
    return candidates if rung == 0 else min(candidates, (candidates + 1) // 2)


@dataclass(slots=True)
class Ladder:
    """The ladder of one process: its footing, and what was declined. One thread at a time.

    standard_us: time allowed to a request that names none; clock: monotonic seconds.
    """

    standard_us: int = 100_000
    rule: LadderRule = field(default_factory=LadderRule)
    clock: Callable[[], float] = monotonic
    footing: Footing = field(default_factory=Footing)
    climbed: list[int] = field(default_factory=lambda: [0] * len(RUNGS))  # times that a rung was reached from below
    declined: dict[str, int] = field(default_factory=lambda: {OVERLOAD: 0, TOO_LATE: 0})
    asked: int = 0
    shed: int = 0  # of those asked, on a rung above 0 or declined
    need: Pace = field(default_factory=Pace)  # nanoseconds that the engine takes for one request

    @property
    def rung(self) -> int:
        """Where the process stands now; time alone climbs down."""
        return self._look(0.0)

    def admit(self, age_us: float, timeout_us: int) -> str:
        """Note the age of a request that the engine is about to begin with; why it is declined, "" where it is not."""
        rung = self._look(age_us / self.standard_us)
        need_us = self.need.expected_ns(1) / 1e3 if rung else 0.0
        refused = refusal(rung, age_us=age_us, timeout_us=timeout_us, need_us=need_us, rule=self.rule)
        self.asked += 1
        self.shed += bool(rung or refused)
        if refused:
            self.declined[refused] += 1
        return refused

    def unread(self, age_us: float) -> bool:
        """Whether a request is declined before it is even read: the top rung, and it has used up the usual patience."""
        if age_us <= self.rule.patience * self.standard_us or self._look(age_us / self.standard_us) < len(RUNGS) - 1:
            return False
        self.asked += 1
        self.shed += 1
        self.declined[OVERLOAD] += 1
        return True

    def _look(self, late: float) -> int:
        before = self.footing.rung
        self.footing = step(self.footing, late, self.clock(), self.rule)
        for rung in range(before + 1, self.footing.rung + 1):
            self.climbed[rung] += 1
        return self.footing.rung
