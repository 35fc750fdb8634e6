"""Machine: all processes of one machine as one, for the charts.

    total of a counter = sum over processes of what it grew by since the first look

A process that ends keeps what it had added; the one that takes its place has another name and grows from zero, so that
no total ever falls. Histograms add up bucket by bucket, and quantiles are read off the sum. What every process knows of
the whole machine (the day's money) is told by the one that knows most.
"""

from collections.abc import Iterable
from itertools import groupby

import msgspec

from adcascade.console.counters import Counters, Timing
from adcascade.console.history import EVERY_US, History
from adcascade.console.looks import KEPT_US, Look

COUNTED = ("requests", "auctions", "ads", "impressions", "clicks", "conversions", "charged")
LIVES_US = 5 * EVERY_US // 2  # a process whose last look is older has ended
LATE_US = 12 * EVERY_US  # a look that is older than the newest by more tells of a clock that went back
NOTHING = Counters(time_us=0)
NO_CALL = Timing(0.0, 0.0, ())


class Machine:
    """Gathers looks into a history. One thread at a time takes; any may ask."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._newest: dict[str, Look] = {}
        self._total = NOTHING
        self._first_us: int | None = None  # time of the first look

    def take(self, looks: Iterable[Look]) -> None:
        """Looks in order of arrival: those of one round of five seconds become one look of the machine.

        What comes after its round was told is counted with the next one.
        """
        for _, arrived in groupby(looks, lambda look: look.time_us // EVERY_US):
            before_us = self._total.time_us
            for look in arrived:
                self._add(look)
            if self._total.time_us > before_us or before_us - self._total.time_us > LATE_US:
                self._history.add(self._told())

    def alive(self, now_us: int) -> list[Look]:
        """The newest look of every process that runs, the oldest process first."""
        looks = [look for look in list(self._newest.values()) if now_us - look.time_us <= LIVES_US]
        return sorted(looks, key=lambda look: (look.began_us, look.process))

    def _add(self, look: Look) -> None:
        if self._first_us is None:
            self._first_us = look.time_us
        before = self._newest.get(look.process)
        base = NOTHING if before is None else before.counters
        if before is None and look.began_us < self._first_us:
            base = look.counters  # what a process did before anybody looked is not of this history
        self._newest[look.process] = look
        self._total = grown(self._total, base, look.counters)

    def _told(self) -> Counters:
        """The machine now: what was counted, and what the processes that run know of the whole."""
        now_us = self._total.time_us
        self._newest = {name: look for name, look in self._newest.items() if now_us - look.time_us <= KEPT_US}
        looks = [look.counters for look in self.alive(now_us)]
        knows = max(looks, key=lambda one: one.spent)
        return msgspec.structs.replace(
            self._total, spent=knows.spent, due=knows.due, budget=knows.budget,
            booked=max(one.booked for one in looks), win_rate=_win_rate(looks),
        )  # fmt: skip


def grown(total: Counters, before: Counters, after: Counters) -> Counters:
    """The total and what a process's counters grew by between two of its looks; as of the later one.

    A look of a clock that went back by little does not set the total's time back.
    """
    time_us = after.time_us if abs(after.time_us - total.time_us) > LATE_US else max(total.time_us, after.time_us)
    added = {name: getattr(total, name) + getattr(after, name) - getattr(before, name) for name in COUNTED}
    stages = {
        stage: _summed(total.stages.get(stage, NO_CALL), before.stages.get(stage, NO_CALL), timing)
        for stage, timing in after.stages.items()
    }
    return Counters(time_us=time_us, stages=total.stages | stages, **added)


def _summed(total: Timing, before: Timing, after: Timing) -> Timing:
    """Bucket by bucket."""
    sums, earlier = dict(total.buckets), dict(before.buckets)
    for bound, count in after.buckets:
        sums[bound] = sums.get(bound, 0.0) + count - earlier.get(bound, 0.0)
    return Timing(
        total.calls + after.calls - before.calls,
        total.seconds + after.seconds - before.seconds,
        tuple(sorted(sums.items())),
    )


def _win_rate(looks: Iterable[Counters]) -> float | None:
    """Of the processes' win rates the mean, weighed by the ads that each has answered."""
    known = [(one.win_rate, max(one.ads, 1.0)) for one in looks if one.win_rate is not None]
    return sum(rate * ads for rate, ads in known) / sum(ads for _, ads in known) if known else None
