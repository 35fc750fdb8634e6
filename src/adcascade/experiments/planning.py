"""Planning: how long an experiment would have to run, by the traffic that the log tells of.

The newest part of the log is counted as if everybody had been in one arm. That gives the figures, how much they differ
from unit to unit, and how many units come a day; power.py makes days of it. Users who come back count once in that
part, so that days are told a little too few where it is short.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from adcascade.events.read import last_seq, read_records
from adcascade.events.records import AuctionRecord, Exposure, Record
from adcascade.experiments.experiment import Experiment, Unit, Variant
from adcascade.experiments.intervals import Estimate
from adcascade.experiments.power import units_for
from adcascade.experiments.results import Counting
from adcascade.experiments.verdict import ENOUGH, EVENTS

RECORDS = 50_000  # of the log that are looked at
LEAST_US = 3_600_000_000  # of traffic that may speak for a day
DAY_US = 86_400_000_000
RELATIVE = 0.05  # the difference that is planned for
PLANNED = {"clicks per request": "clicks", "billed micros per request": "billed ads"}  # figure -> its events
KINDS = ("auction", "impression", "click")
_ALL = Experiment(name="traffic", variants=(Variant(name="all"),), window_us=1)


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest part of the log tells. figures: those of which enough is known."""

    unit: Unit
    units: int
    requests: int
    span_us: int
    figures: dict[str, Estimate]

    @property
    def known(self) -> bool:
        """Whether it may speak for the days to come."""
        return self.span_us >= LEAST_US and self.units >= ENOUGH and bool(self.figures)

    @property
    def units_a_day(self) -> float:
        """At this pace."""
        return self.units * DAY_US / max(self.span_us, 1)

    def days(self, figure: str, shares: Sequence[float], relative: float = RELATIVE) -> float:
        """Until a relative difference of a figure is seen, four times out of five; infinite where it never is."""
        return units_for(self.figures[figure], self.units, shares, relative) / self.units_a_day


def traffic_of(records: Iterable[Record], unit: Unit) -> Traffic:
    """From auctions, impressions and clicks, in order of arrival."""
    counting = Counting(_ALL)
    times: list[int] = []

    def exposed() -> Iterable[Record]:
        for record in records:
            if isinstance(record, AuctionRecord):
                times.append(record.time_us)
                who = record.user if unit == "user" and record.user is not None else record.id
                exposure = Exposure(experiment="traffic", arm="all", unit=who, share=1.0, allocation=0, pinned=False)
                yield msgspec.structs.replace(record, exposure=exposure)
            else:
                yield record

    counting.take(exposed())
    now_us = max(times, default=0)
    (arm,) = counting.results(now_us).arms
    figures = {name: arm.estimates[name] for name, events in PLANNED.items() if arm.counts[events] >= EVENTS}
    return Traffic(
        unit=unit, units=arm.units, requests=arm.counts["requests"], span_us=now_us - min(times, default=0),
        figures=figures,
    )  # fmt: skip


def recent_traffic(journal: Path, unit: Unit, records: int = RECORDS) -> Traffic:
    """From the newest `records` of a journal's file. DataMissingError: there is none; StoreError: it is unreadable."""
    after = max(0, last_seq(journal) - records)
    return traffic_of((record for _, record in read_records(journal, after, KINDS)), unit)
