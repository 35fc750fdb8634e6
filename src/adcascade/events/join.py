"""The join: from the event log to the sample table, one row per impression of a winner.

The log is read by two cursors. One walks auctions and impressions; the other runs ahead of it by the windows
and collects clicks and conversions, so that rows leave with their labels settled and in order of time. Memory
holds the winners within the impression window, the clicks and conversions within theirs, and one table.

What is left out is counted in JoinCounts: winners that were never seen; impressions without an auction, a second
of the same bid, or so late that younger rows have left; impressions at the end of the log whose click window is
still open at `until_us` (of those only the early clicks are known: a bias); clicks and conversions that belong
to none of the rows.
"""

from collections.abc import Iterable, Iterator

import msgspec
import pyarrow as pa

from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.events.outcomes import JoinCounts, Outcomes, Windows
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
) -> Iterator[pa.Table]:
    """Tables of at most `table_rows` rows in order of time_us, all with the same columns; at least one, maybe empty.

    Columns: the reserved ones of events/samples.py (no weight), `logged_...` (see sampling.LOGGED), every key of
    AuctionRecord.seen, and those of `ad_columns`: catalog rows int32 [n] -> lists of n. A click counts within
    `click_window_us` of its impression, conversions within `conversion_window_us` of the first click (their
    values are summed); `conversion` is null where that window is still open at `until_us` and none came.

    until_us: "now"; whatever the log holds of later is not looked at, and impressions younger than
    `click_window_us` do not leave yet. impression_window_us: from the auction to the impression.
    lateness_us: how much later than others of its time an event may stand in the log.
    """
    for name, span in (("click_window_us", click_window_us), ("conversion_window_us", conversion_window_us)):
        if span < 0:
            raise InputError(name, span, "at least 0")
    windows = Windows(
        click_us=click_window_us, conversion_us=conversion_window_us, lateness_us=lateness_us, until_us=until_us
    )
    counts = JoinCounts() if counts is None else counts
    with Replay(source) as replay:
        columns = columns_of(replay.read("auction"), ad_columns)
        shown = Shown(impression_window_us, windows, counts)
        outcomes = Outcomes(replay.read("click", "conversion"), windows, counts)
        joiner = _Joiner(columns, outcomes, windows, counts, table_rows)
        yield from joiner.run(replay.read("auction", "impression"), shown)


class _Joiner:
    """Rows that wait until nothing older can come, and their departure as tables."""

    def __init__(
        self, columns: SampleColumns, outcomes: Outcomes, windows: Windows, counts: JoinCounts, table_rows: int
    ) -> None:
        self._columns = columns
        self._outcomes = outcomes
        self._windows = windows
        self._counts = counts
        self._table_rows = table_rows
        self._wait: list[Seen] = []
        self._check_at = table_rows  # rows waiting before the next departure is tried
        self._unripe: list[str] = []  # bid ids
        self._left_us = -(2**63)  # time of the youngest row that left

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
        self._outcomes.finish(self._unripe)
        if not self._counts.rows:
            yield self._columns.schema.empty_table()

    def _enter(self, seen: Seen) -> None:
        if seen.time_us > self._windows.until_us - self._windows.click_us:
            self._counts.unripe += 1
            self._unripe.append(seen.winner.bid_id)
        elif seen.time_us < self._left_us:
            self._counts.late_impressions += 1
        else:
            self._wait.append(seen)

    def _depart(self, before_us: int) -> Iterator[pa.Table]:
        """Tables of the rows older than `before_us`, in order of time."""
        self._wait.sort(key=lambda seen: seen.time_us)
        ready = [seen for seen in self._wait if seen.time_us < before_us]
        self._wait = self._wait[len(ready) :]
        self._check_at = len(self._wait) + self._table_rows
        for start in range(0, len(ready), self._table_rows):
            yield self._table(ready[start : start + self._table_rows])

    def _table(self, part: list[Seen]) -> pa.Table:
        self._left_us = part[-1].time_us
        self._outcomes.read_until(self._left_us)
        rows = [(seen, self._outcomes.take(seen.winner.bid_id, seen.time_us)) for seen in part]
        self._outcomes.forget(self._left_us)
        self._counts.rows += len(rows)
        return self._columns.table(rows)
