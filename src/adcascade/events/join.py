"""The join: from the event log to the sample table, one row per impression of a winner.

The log is read twice. The first pass finds, outside memory, what became of every impression (labels.py); the second
walks auctions and impressions, and rows leave with their labels and in order of time. Memory holds the winners within
the impression window, and one table: it does not grow with the log, nor with the windows of clicks and conversions.

What is left out is counted in JoinCounts: winners that were never seen; impressions without an auction, a second
of the same bid, or so late that younger rows have left; impressions at the end of the log whose click window is
still open at `until_us` (of those only the early clicks are known: a bias); clicks and conversions that belong
to none of the rows.
"""

import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.events.labels import Labels
from adcascade.events.outcomes import JoinCounts, Windows
from adcascade.events.records import AuctionRecord, Impression, Record
from adcascade.events.replay import Replay
from adcascade.events.sampling import AdColumns, SampleColumns, columns_of
from adcascade.events.shown import Seen, Shown

__all__ = ["JoinCounts", "join"]

HOUR_US = 3_600_000_000


def join(
    source: Journal | Iterable[Record],
    ad_columns: AdColumns,
    *,
    click_window_us: int,
    conversion_window_us: int,
    until_us: int,
    impression_window_us: int = HOUR_US,
    lateness_us: int = HOUR_US,
    table_rows: int = 16_384,
    counts: JoinCounts | None = None,
    scratch: Path | None = None,
) -> Iterator[pa.Table]:
    """Tables of at most `table_rows` rows in order of time_us, all with the same columns; at least one, maybe empty.

    Columns: the reserved ones of events/samples.py (no weight), `logged_...` (see sampling.LOGGED), every key of
    AuctionRecord.seen, and those of `ad_columns`: catalog rows int32 [n] -> lists of n. A click counts within
    `click_window_us` of its impression, conversions within `conversion_window_us` of the first click (their
    values are summed); `conversion` is null where that window is still open at `until_us` and none came.

    until_us: "now"; whatever the log holds of later is not looked at, and impressions younger than
    `click_window_us` do not leave yet. impression_window_us: from the auction to the impression.
    lateness_us: how much later than others of its time an event may stand in the log. scratch: an existing folder
    for temporary files (40 bytes an impression, click and conversion); None: the system's.
    """
    for name, span in (("click_window_us", click_window_us), ("conversion_window_us", conversion_window_us)):
        if span < 0:
            raise InputError(name, span, "at least 0")
    windows = Windows(
        click_us=click_window_us, conversion_us=conversion_window_us, lateness_us=lateness_us, until_us=until_us
    )
    counts = JoinCounts() if counts is None else counts
    with Replay(source) as replay, tempfile.TemporaryDirectory(dir=scratch, prefix="join-") as folder:
        columns = columns_of(replay.read("auction"), ad_columns)
        shown = Shown(impression_window_us, windows, counts)
        labels = Labels(replay.read("impression", "click", "conversion"), windows, counts, Path(folder))
        joiner = _Joiner(columns, labels, windows, counts, table_rows)
        yield from joiner.run(replay.read("auction", "impression"), shown)


class _Joiner:
    """Rows that wait until nothing older can come, and their departure as tables."""

    def __init__(
        self, columns: SampleColumns, labels: Labels, windows: Windows, counts: JoinCounts, table_rows: int
    ) -> None:
        self._columns = columns
        self._labels = labels
        self._windows = windows
        self._counts = counts
        self._table_rows = table_rows
        self._wait: list[Seen] = []
        self._check_at = table_rows  # rows waiting before the next departure is tried
        self._left_us = -(2**63)  # time of the youngest row that left
        self._ripe_us = windows.until_us - windows.click_us  # of the youngest row whose click window is over

    def run(self, stream: Iterator[Record], shown: Shown) -> Iterator[pa.Table]:
        """Every table, at least one."""
        kept: dict[str, object] = {"ranked": None, "stage_us": {}}
        for number, record in enumerate(stream):
            if record.time_us > self._windows.until_us:
                continue
            if isinstance(record, AuctionRecord) and record.winners:
                for seen in shown.auction(record, msgspec.structs.replace(record, **kept)):
                    self._enter(seen)
            elif isinstance(record, Impression) and (found := shown.impression(record)) is not None:
                self._enter(found)
            if number % self._table_rows == 0:
                shown.forget(shown.clock_us)
            if len(self._wait) >= self._check_at:
                yield from self._depart(shown.clock_us - self._windows.lateness_us)
        shown.forget_all()
        yield from self._depart(2**63)
        self._labels.finish()
        if not self._counts.rows:
            yield self._columns.schema.empty_table()

    def _enter(self, seen: Seen) -> None:
        unripe = seen.time_us > self._ripe_us
        self._counts.unripe += unripe
        if seen.time_us >= self._left_us:
            self._wait.append(seen)
        else:
            self._counts.late_impressions += not unripe

    def _depart(self, before_us: int) -> Iterator[pa.Table]:
        """Tables of the rows older than `before_us`, in order of time; unripe ones leave too, but into no table."""
        self._wait.sort(key=lambda seen: seen.time_us)
        ready = [seen for seen in self._wait if seen.time_us < before_us]
        self._wait = self._wait[len(ready) :]
        self._check_at = len(self._wait) + self._table_rows
        for start in range(0, len(ready), self._table_rows):
            part = ready[start : start + self._table_rows]
            self._left_us = part[-1].time_us
            ripe = bisect_right(part, self._ripe_us, key=lambda seen: seen.time_us)
            if ripe:
                yield self._table(part[:ripe])
            if part[ripe:]:
                self._labels.pass_over([(seen.winner.bid_id, seen.time_us) for seen in part[ripe:]])

    def _table(self, part: list[Seen]) -> pa.Table:
        outcomes = self._labels.of([(seen.winner.bid_id, seen.time_us) for seen in part])
        self._counts.rows += len(part)
        return self._columns.table(list(zip(part, outcomes, strict=True)))
