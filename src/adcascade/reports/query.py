"""A report: any metrics by any dimensions and grain of time, filtered, cut to the first, beside another period.

    asked = Question(metrics=("revenue", "ctr"), by=("campaign",), from_us=..., to_us=..., grain="day", zone="UTC")
    answer(asked, kept)

Everything is counted at the time of its answer: a click of Tuesday on an ad offered on Monday is Monday's, and so is
what it cost. Sums are exact integers; facts pass through a part at a time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adcascade.errors import InputError
from adcascade.reports.columns import BY_NAME, SCHEMA
from adcascade.reports.credited import Earned, credited
from adcascade.reports.grain import GRAINS, QUARTER_US, Grain, begins_of, zone_of
from adcascade.reports.metrics import Metric, metric_of

MOST_ROWS = 100_000
LONGEST_US = 2 * 366 * 86_400_000_000  # of periods that are laid beside each other step by step
BEGIN = "begin_us"  # the column of the grain

Key = tuple[str, ...]  # texts of the dimensions asked for
Place = tuple[Key, int]  # and when its hour, day or week began; 0 without a grain
Sums = dict[str, int]  # by name of COUNTS


class Facts(Protocol):
    """Where facts come from: kept.py's `KeptFacts`."""

    def tables(self, columns: Sequence[str], from_us: int, to_us: int) -> Iterable[pa.Table]:
        """These columns of the rows of a period, table by table."""
        ...


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, of answers from `from_us` until before `to_us`; InputError where it cannot be answered.

    where: dimension -> texts of which it is one; top: as many keys, by the first metric; compare_us: when the period of
    the same length began that is shown beside it.
    """

    metrics: tuple[str, ...]
    from_us: int
    to_us: int
    by: tuple[str, ...] = ()
    grain: Grain | None = None
    zone: str = "UTC"
    where: Mapping[str, tuple[str, ...]] = {}
    top: int | None = None
    compare_us: int | None = None

    def __post_init__(self) -> None:
        self._check_columns()
        self._check_time()
        if self.top is not None and self.top < 1:
            raise InputError("top", self.top, "at least 1")

    def _check_columns(self) -> None:
        for field, names in (("by", self.by), ("where", self.where)):
            for name in names:
                if name not in BY_NAME:
                    raise InputError(field, name, "one of " + ", ".join(BY_NAME))
        if not self.metrics:
            raise InputError("metrics", self.metrics, "at least one")
        for field, names in (("by", self.by), ("metrics", self.metrics)):
            if len(set(names)) < len(names):
                raise InputError(field, names, "each once")
        for metric in map(metric_of, self.metrics):
            if self.of_ads and not metric.of_ads:
                remedy = f"a request belongs to no {self.of_ads[0]}"
                raise InputError("metrics", metric.name, "a metric that ads have", remedy)

    def _check_time(self) -> None:
        zone_of(self.zone)
        if self.grain not in (None, *GRAINS):
            raise InputError("grain", self.grain, "one of " + ", ".join(GRAINS))
        if self.from_us >= self.to_us:
            raise InputError("to_us", self.to_us, f"later than from_us, {self.from_us}")
        if self.compare_us is not None and self.grain is not None and self.to_us - self.from_us > LONGEST_US:
            raise InputError("compare_us", self.compare_us, "with a grain, periods of at most two years")

    @property
    def of_ads(self) -> tuple[str, ...]:
        """The dimensions asked for that requests do not have."""
        return tuple(name for name in (*self.by, *self.where) if BY_NAME[name].of_ads)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line. values: as the question's metrics; before: of the other period, None without one."""

    key: Key
    begin_us: int  # of the hour, day or week; 0 without a grain
    values: tuple[float | None, ...]
    before: tuple[float | None, ...] | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. rows: by time, within it greatest first metric first; keys: of all there are, also those cut off."""

    question: Question
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    total: Row  # of everything that the filters let through
    keys: int


def answer(question: Question, facts: Facts, earned: Mapping[str, Earned] | None = None) -> Report:
    """The report. earned: what another rule of attribution credits (credited.py), for both periods.

    InputError where it would have more than MOST_ROWS rows.
    """
    metrics = tuple(map(metric_of, question.metrics))
    now = _sums(question, metrics, facts, question.from_us, earned)
    before = None
    if question.compare_us is not None:
        before = _sums(question, metrics, facts, question.compare_us, earned)
    earlier = _aligned(question, before or {})
    by_key = _by_key([*now.items(), *((place, _none()) for place in earlier)])
    keys = sorted(by_key, key=lambda key: (-(metrics[0].value(by_key[key]) or 0.0), key))
    rank = {key: place for place, key in enumerate(keys[: question.top])}
    places = [place for place in now.keys() | earlier.keys() if place[0] in rank]
    places.sort(key=lambda place: (place[1], rank[place[0]]))
    return Report(
        question=question,
        metrics=metrics,
        rows=tuple(
            _row(place, now.get(place, _none()), earlier.get(place, _none()), before, metrics) for place in places
        ),
        total=_row(((), 0), _added(now.values()), _added((before or {}).values()), before, metrics),
        keys=len(keys),
    )


def _sums(
    question: Question, metrics: Sequence[Metric], facts: Facts, from_us: int, earned: Mapping[str, Earned] | None
) -> dict[Place, Sums]:
    """Added counts by place, of the question's length from `from_us` on."""
    counts = sorted({count for metric in metrics for count in metric.counts})
    needed = {"time_us", *question.by, *question.where, *counts} | (
        {"bid_id", "offered"} if earned is not None else set()
    )
    columns = [name for name in SCHEMA.names if name in needed | {"requests"}]
    found: dict[Place, Sums] = defaultdict(_none)
    for read in facts.tables(columns, from_us, from_us + question.to_us - question.from_us):
        table = _chosen(read if earned is None else credited(read, earned), question)
        for place, sums in _grouped(table, question, counts):
            kept = found[place]
            for count, value in sums.items():
                kept[count] += value
        if len(found) > MOST_ROWS:
            raise InputError("by", question.by, f"at most {MOST_ROWS:,} rows", "filter, or ask for a coarser grain")
    return found


def _none() -> Sums:
    return defaultdict(int)


def _chosen(table: pa.Table, question: Question) -> pa.Table:
    """The rows that the filters let through; without requests where ads alone are asked for."""
    for name, texts in question.where.items():
        table = table.filter(pc.is_in(table[name], pa.array(texts, pa.string())))
    return table.filter(pc.equal(table["requests"], 0)) if question.of_ads else table


def _grouped(table: pa.Table, question: Question, counts: Sequence[str]) -> Iterator[tuple[Place, Sums]]:
    begins = np.zeros(len(table), np.int64)
    if question.grain is not None:
        begins = begins_of(table["time_us"].to_numpy(), question.grain, zone_of(question.zone))
    placed = table.append_column(BEGIN, pa.array(begins))
    grouped = placed.group_by([*question.by, BEGIN]).aggregate([(count, "sum") for count in counts])
    for row in grouped.to_pylist():
        sums = {count: row[f"{count}_sum"] for count in counts}
        yield (tuple(row[name] for name in question.by), row[BEGIN]), sums


def _by_key(found: Iterable[tuple[Place, Sums]]) -> dict[Key, Sums]:
    """Over all of the time."""
    keys: dict[Key, Sums] = defaultdict(_none)
    for (key, _), sums in found:
        keys[key] = _added((keys[key], sums))
    return keys


def _added(many: Iterable[Sums]) -> Sums:
    total = _none()
    for sums in many:
        for count, value in sums.items():
            total[count] += value
    return total


def _aligned(question: Question, before: Mapping[Place, Sums]) -> dict[Place, Sums]:
    """The other period's sums at the places of this one: its first day beside the first day, and so on."""
    if question.grain is None or question.compare_us is None:
        return dict(before)
    moved = dict(zip(_steps(question, question.compare_us), _steps(question, question.from_us), strict=False))
    return {(key, moved[begin]): sums for (key, begin), sums in before.items() if begin in moved}


def _steps(question: Question, from_us: int) -> list[int]:
    """When the hours, days or weeks of a period of the question's length began."""
    quarters = np.arange(from_us, from_us + question.to_us - question.from_us, QUARTER_US)
    begins = begins_of(quarters, question.grain or "hour", zone_of(question.zone))
    return [int(begin) for begin in np.unique(begins)]


def _row(
    place: Place, sums: Sums, earlier: Sums, before: Mapping[Place, Sums] | None, metrics: Sequence[Metric]
) -> Row:
    return Row(
        key=place[0],
        begin_us=place[1],
        values=tuple(metric.value(sums) for metric in metrics),
        before=None if before is None else tuple(metric.value(earlier) for metric in metrics),
    )
