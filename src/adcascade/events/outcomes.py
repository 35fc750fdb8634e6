"""What became of impressions: clicks and conversions, read ahead of the impressions they belong to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from adcascade.events.records import Click, Conversion, Record


@dataclass(slots=True, kw_only=True)
class JoinCounts:
    """What a join met and what it left out; it is filled while the tables are drawn."""

    rows: int = 0
    clicks: int = 0  # among the rows
    conversions: int = 0  # among the rows
    immature: int = 0  # clicked rows whose conversion is not settled: null
    unseen: int = 0  # winners whose impression never came
    unripe: int = 0  # impressions whose click window is still open
    orphan_impressions: int = 0  # without an auction, or long after it
    late_impressions: int = 0  # arrived after younger rows had left
    repeated_impressions: int = 0
    orphan_clicks: int = 0  # without an impression, long after it, or arrived too late
    repeated_clicks: int = 0
    orphan_conversions: int = 0  # without a click, long after it, or arrived too late


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The labels of one impression."""

    click_us: int | None = None
    conversion: float | None = 0.0  # None: not settled
    conversion_us: int | None = None
    value_micros: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How long outcomes are waited for, in microseconds of event time."""

    click_us: int  # after the impression
    conversion_us: int  # after the click
    lateness_us: int  # how much later than others of its time an event may stand in the log
    until_us: int  # "now": what happened later is unknown


class Outcomes:
    """Clicks and conversions of a stream, held from a little before the current impressions to their windows' end."""

    def __init__(self, stream: Iterator[Record], windows: Windows, counts: JoinCounts) -> None:
        self._stream = stream
        self._windows = windows
        self._counts = counts
        self._read_us = -(2**63)
        self._ended = False
        self._clicks: dict[str, int] = {}  # bid_id -> first click
        self._conversions: dict[str, list[tuple[int, int]]] = {}  # bid_id -> (time, value)

    def read_until(self, impression_us: int) -> None:
        """Read ahead as far as an impression of that time can have outcomes."""
        w = self._windows
        target = impression_us + w.click_us + w.conversion_us + w.lateness_us
        while not self._ended and self._read_us <= target:
            record = next(self._stream, None)
            if record is None:
                self._ended = True
            elif record.time_us <= w.until_us:
                self._read_us = max(self._read_us, record.time_us)
                self._enter(record)

    def take(self, bid_id: str, impression_us: int) -> Outcome:
        """The labels of the bid's impression; each is given out once."""
        w, counts = self._windows, self._counts
        click_us = self._clicks.pop(bid_id, None)
        if click_us is None:
            return Outcome()
        if click_us > impression_us + w.click_us:
            counts.orphan_clicks += 1
            return Outcome()
        counts.clicks += 1
        bought = self._conversions.pop(bid_id, [])
        counted = [(at, value) for at, value in bought if click_us <= at <= click_us + w.conversion_us]
        counts.orphan_conversions += len(bought) - len(counted)
        if counted:
            counts.conversions += 1
            value = sum(value for _, value in counted)
            return Outcome(click_us=click_us, conversion=1.0, conversion_us=min(counted)[0], value_micros=value)
        settled = click_us + w.conversion_us <= w.until_us
        counts.immature += not settled
        return Outcome(click_us=click_us, conversion=0.0 if settled else None)

    def forget(self, before_us: int) -> None:
        """Drop what belongs to impressions that have all left: older than `before_us` less the lateness."""
        limit = before_us - self._windows.lateness_us
        kept = {bid: at for bid, at in self._clicks.items() if at >= limit}
        self._counts.orphan_clicks += len(self._clicks) - len(kept)
        self._clicks = kept
        for bid in [bid for bid, bought in self._conversions.items() if max(bought)[0] < limit]:
            self._counts.orphan_conversions += len(self._conversions.pop(bid))

    def finish(self, unripe: Iterable[str]) -> None:
        """Read to the end; what is left belongs to no impression, but for the `unripe` bids, which are not judged."""
        self.read_until(2**63)
        for bid_id in unripe:
            self._clicks.pop(bid_id, None)
            self._conversions.pop(bid_id, None)
        self._counts.orphan_clicks += len(self._clicks)
        self._counts.orphan_conversions += sum(map(len, self._conversions.values()))

    def _enter(self, record: Record) -> None:
        if isinstance(record, Click):
            first = self._clicks.get(record.bid_id)
            self._counts.repeated_clicks += first is not None
            self._clicks[record.bid_id] = record.time_us if first is None else min(first, record.time_us)
        elif isinstance(record, Conversion):
            self._conversions.setdefault(record.bid_id, []).append((record.time_us, record.value_micros))
