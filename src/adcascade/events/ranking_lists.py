"""Ranking lists: the ads that ranking ordered for one request, one row a list, for learners of that order.

    request_id, time_us, bundle, policy
    list_ad    list<int32>   rows of the catalog, by falling eCPM
    list_bid   list<int64>   micros per billing event, as it was used in that auction
    list_ecpm  list<int64>   micros per thousand impressions, by the calibrated probability of that moment
    list_click list<bool>    pays per click, else per impression
    ...                      the request-side features as they were seen

The order is that of the logged eCPM, so a rule that moved ads afterwards (diversity, budgets) does not disturb it.
An ad that no model knew (ctr NaN) or that bid nothing has no place in it; a list of fewer than two ads is left out,
and so is every list of the cold start, which chance alone ordered. Lists of explored requests are few ads that were
drawn uniformly: beside those of the cascade they speak of ads that the early stages would not let through.

A ranker that was replaced is a target of the past: only the lists of the newest `bundles` versions leave, and of
those the newest `most`. The log is read twice, first to count and to find the types; memory holds one table.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.events.funnel import arrays_of
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Record
from adcascade.events.replay import Replay
from adcascade.events.valuetypes import ColumnType, column

LISTED = {
    "request_id": pa.string(),
    "time_us": pa.int64(),
    "bundle": pa.string(),
    "policy": pa.string(),
    "list_ad": pa.list_(pa.int32()),
    "list_bid": pa.list_(pa.int64()),
    "list_ecpm": pa.list_(pa.int64()),
    "list_click": pa.list_(pa.bool_()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lists leave: since_us <= time <= until_us, of the newest `bundles` versions the newest `most`."""

    since_us: int
    until_us: int
    bundles: int = 2
    most: int = 50_000


@dataclass(frozen=True, slots=True)
class RankedAds:
    """n ads of one request by falling eCPM."""

    ad: NDArray[np.int32]  # [n]
    bid: NDArray[np.int64]  # [n]
    ecpm: NDArray[np.int64]  # [n]
    per_click: NDArray[np.bool_]  # [n]


def ranked_ads(record: AuctionRecord) -> RankedAds | None:
    """The list of one auction; None where it holds no order of at least two ads.

    Who pays per click follows from the log itself: the eCPM of an impression is exactly a thousand bids.
    """
    if record.ranked is None:
        return None
    arrays = arrays_of(record.ranked)
    known = np.flatnonzero(~np.isnan(arrays["ctr"]) & (arrays["ecpm"] > 0))
    if len(known) < 2:
        return None
    best = known[np.argsort(-arrays["ecpm"][known], kind="stable")]
    bid, ecpm = arrays["bid"][best], arrays["ecpm"][best]
    return RankedAds(arrays["ad"][best], bid, ecpm, ecpm != 1000 * bid)


def ranking_lists(source: Journal | Iterable[Record], wanted: Wanted, *, table_rows: int = 4096) -> Iterator[pa.Table]:
    """Tables of at most `table_rows` lists in order of the log, all with the same columns; none where there is none."""
    with Replay(source) as replay:
        survey = _Survey()
        for record, _ in _lists(replay, wanted):
            survey.observe(record)
        recent = sorted(survey.lists)[-wanted.bundles :]  # a version begins with the time of its writing
        skip = max(sum(survey.lists[version] for version in recent) - wanted.most, 0)
        wait: list[tuple[AuctionRecord, RankedAds]] = []
        for record, ads in _lists(replay, wanted):
            if record.bundle not in recent:
                continue
            skip -= 1
            if skip < 0:
                wait.append((record, ads))
            if len(wait) == table_rows:
                yield survey.table(wait)
                wait = []
        if wait:
            yield survey.table(wait)


def _lists(replay: Replay, wanted: Wanted) -> Iterator[tuple[AuctionRecord, RankedAds]]:
    for record in replay.read("auction"):
        if isinstance(record, AuctionRecord) and wanted.since_us <= record.time_us <= wanted.until_us:
            ads = ranked_ads(record)
            if ads is not None:
                yield record, ads


@dataclass(slots=True)
class _Survey:
    """Lists by version, and the types that hold every feature seen."""

    lists: Counter[str] = field(default_factory=Counter)
    seen: dict[str, ColumnType] = field(default_factory=dict)

    def observe(self, record: AuctionRecord) -> None:
        self.lists[record.bundle] += 1
        for name, value in record.seen.items():
            self.seen.setdefault(name, ColumnType()).observe((value,))

    def table(self, rows: Sequence[tuple[AuctionRecord, RankedAds]]) -> pa.Table:
        """The rows as a table."""
        values: Mapping[str, Sequence[object]] = {
            "request_id": [record.id for record, _ in rows],
            "time_us": [record.time_us for record, _ in rows],
            "bundle": [record.bundle for record, _ in rows],
            "policy": [record.policy for record, _ in rows],
            "list_ad": [ads.ad for _, ads in rows],
            "list_bid": [ads.bid for _, ads in rows],
            "list_ecpm": [ads.ecpm for _, ads in rows],
            "list_click": [ads.per_click for _, ads in rows],
        }
        columns = {name: pa.array(values[name], kind) for name, kind in LISTED.items()}
        for name, kind in sorted(self.seen.items()):
            if name not in LISTED:
                columns[name] = column([record.seen.get(name) for record, _ in rows], kind.arrow)
        return pa.table(columns)
