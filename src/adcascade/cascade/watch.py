"""Watch: what was promised and what came, by scenario, over the last hours; the alarms and the metrics read it.

Sums lie in buckets of a minute, so a window forgets. An impression counts its predicted click when it is seen, a click
when it comes; over a window much longer than a shopper's delay the two belong together.

A scenario is told apart only where the serving bundle has learned its name, and no more than `SCENARIOS` of them: what
callers invent counts as "other", so nobody outside decides how much is kept or which labels appear.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Self

BUCKET_US = 60_000_000
KEPT = 24 * 60  # buckets: a day
SCENARIOS = 32
OTHER = "other"


@dataclass(slots=True)
class Sums:
    """What is added up."""

    bids: int = 0  # ads answered
    seen: int = 0  # impressions of them
    predicted: float = 0.0  # clicks expected of these impressions, where a model chose the ad
    clicks: int = 0  # of those
    events: int = 0
    lag_us: int = 0  # from an event's time until it was on disk, summed

    def __iadd__(self, other: "Sums") -> Self:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass(slots=True)
class Bucket:
    """One minute."""

    number: int
    of: dict[str, Sums] = field(default_factory=dict)  # by scenario


class Watch:
    """Running sums by scenario. now_us is an argument and never goes back by more than a bucket."""

    def __init__(self) -> None:
        self._buckets: deque[Bucket] = deque(maxlen=KEPT)
        self._known: set[str] = set()

    def learned(self, scenario: str) -> None:
        """The serving bundle knows this name."""
        if scenario and len(self._known) < SCENARIOS:
            self._known.add(scenario)

    def label(self, scenario: str) -> str:
        """The name under which a scenario is counted."""
        return scenario if scenario in self._known else OTHER

    def answered(self, scenario: str, bids: int, now_us: int) -> None:
        """So many ads are on their way."""
        if bids:
            self._sums(scenario, now_us).bids += bids

    def seen(self, scenario: str, predicted: float, now_us: int) -> None:
        """An impression; predicted: its click probability, NaN where no model chose it."""
        sums = self._sums(scenario, now_us)
        sums.seen += 1
        if predicted == predicted:  # noqa: PLR0124  NaN: nobody knows
            sums.predicted += predicted

    def clicked(self, scenario: str, now_us: int) -> None:
        """A click on an ad that a model chose."""
        self._sums(scenario, now_us).clicks += 1

    def event(self, time_us: int, now_us: int) -> None:
        """An event of this time is on disk."""
        sums = self._sums("", now_us)
        sums.events += 1
        sums.lag_us += max(0, now_us - time_us)

    def window(self, now_us: int, length_us: int, *, before_us: int = 0) -> dict[str, Sums]:
        """Sums by scenario of `length_us` until `before_us` ago; whole buckets."""
        last = (now_us - before_us) // BUCKET_US
        first = last - length_us // BUCKET_US
        found: dict[str, Sums] = {}
        for bucket in self._buckets:
            if first < bucket.number <= last:
                for scenario, sums in bucket.of.items():
                    total = found.setdefault(scenario, Sums())
                    total += sums
        return found

    def _sums(self, scenario: str, now_us: int) -> Sums:
        number = now_us // BUCKET_US
        if not self._buckets or self._buckets[-1].number < number:
            self._buckets.append(Bucket(number))
        of, name = self._buckets[-1].of, self.label(scenario)
        sums = of.get(name)
        if sums is None:
            sums = of[name] = Sums()
        return sums
