"""Looking back: the results of an experiment at some instants, from a bounded part of the log.

One pass over the records in order of arrival; the server's own clock, in the auctions, says when an instant is past.
What it costs is bounded: of a longer log only the newest part is read. That leaves whole units out, arm by arm alike,
and conversions of ads that were offered before; `whole` tells.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import msgspec

from adcascade.events.read import last_seq, read_records
from adcascade.events.records import AuctionRecord, Record
from adcascade.experiments.experiment import Experiment
from adcascade.experiments.results import Counting, Results
from adcascade.experiments.store import Stored

RECORDS = 100_000  # of the log that are read, and as many behind a stop
INSTANTS = 12
AT_ONCE = 1000  # records that are held
KINDS = ("auction", "impression", "click", "conversion")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """at: (time in microseconds, results by then), oldest first; whole: nothing of the experiment was left out."""

    at: tuple[tuple[int, Results], ...]
    records: int
    since_us: int
    whole: bool

    @property
    def newest(self) -> Results:
        """By the last instant."""
        return self.at[-1][1]


def results_at(experiment: Experiment, records: Iterable[Record], instants: Sequence[int]) -> list[Results]:
    """The results by each instant, which rise."""
    counting, found, held = Counting(experiment), list[Results](), list[Record]()

    def count() -> None:
        counting.take(held)
        held.clear()

    for record in records:
        if isinstance(record, AuctionRecord):
            while len(found) < len(instants) - 1 and record.time_us > instants[len(found)]:
                count()
                found.append(counting.results(instants[len(found)]))
        held.append(record)
        if len(held) == AT_ONCE:
            count()
    count()
    return found + [counting.results(at) for at in instants[len(found) :]]


def instants_of(from_us: int, to_us: int, count: int = INSTANTS) -> tuple[int, ...]:
    """So many at equal distances, the last being the end.

    >>> instants_of(0, 100, 4)
    (25, 50, 75, 100)
    """
    return tuple(from_us + (to_us - from_us) * (k + 1) // count for k in range(count))


def look_back(journal: Path, stored: Stored, now_us: int, records: int = RECORDS) -> Look:
    """At an experiment that was started, up to now or until its last click could convert.

    DataMissingError: there is no log; StoreError: it cannot be read.
    """
    started_us = next(at for status, at, _ in stored.statuses if status == "running")
    stop = next(((at, seq) for status, at, seq in stored.statuses if status == "stopped"), None)
    end_us = now_us if stop is None else min(now_us, stop[0] + stored.experiment.window_us)
    after = max(stored.started_seq, (last_seq(journal) if stop is None else stop[1]) - records)
    whole = after == stored.started_seq
    limit = records if stop is None else 2 * records
    read = _Read(record for _, record in islice(read_records(journal, after, KINDS), limit))
    since_us, rest = (started_us, read) if whole else read.from_first_auction(started_us)
    instants = instants_of(since_us, max(end_us, since_us))
    found = results_at(stored.experiment, _until(rest, end_us), instants)
    return Look(at=tuple(zip(instants, found, strict=True)), records=read.count, since_us=since_us, whole=whole)


class _Read:
    """Records that are counted as they pass; none is held."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records, self.count = records, 0

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            yield record

    def from_first_auction(self, otherwise_us: int) -> tuple[int, Iterable[Record]]:
        """Its time, and it with all that follows: what came before is of auctions that were not read."""
        records = iter(self)
        first = next((record for record in records if isinstance(record, AuctionRecord)), None)
        return (otherwise_us, ()) if first is None else (first.time_us, chain((first,), records))


def _until(records: Iterable[Record], end_us: int) -> Iterator[Record]:
    for record in records:
        if isinstance(record, AuctionRecord) and record.time_us > end_us:
            return
        yield record
