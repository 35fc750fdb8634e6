"""The page of reports without HTTP: its form, and from a report to what is shown and to its file."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec
import pyarrow as pa

from adcascade.console.form import Choice
from adcascade.console.pages.overview import Chart, Unit
from adcascade.console.pages.overview import Row as Point
from adcascade.console.pages.reports.question import (
    COMPARED,
    DAYS,
    GRAINS,
    RULES,
    chosen_metrics,
    unknown_metrics,
    values_of,
)
from adcascade.console.words import UNKNOWN, money, number, percent
from adcascade.errors import InputError
from adcascade.reports.columns import BY_NAME, DIMENSIONS
from adcascade.reports.grain import zone_of
from adcascade.reports.metrics import METRICS, Metric
from adcascade.reports.query import Question, Report, Row

DRAWN = 5  # keys of the chart
UNITS: dict[str, Unit] = {"count": "count", "money": "money", "share": "percent", "times": "count"}


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """A select of the form."""

    name: str
    label: str
    chosen: str
    choices: tuple[Choice, ...]


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that may be asked for."""

    metric: Metric
    chosen: bool


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table: its heads, then figure, and change beside the other period, per metric."""

    heads: tuple[str, ...]
    figures: tuple[str, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page. notes: what else is to be known; trouble: why the question cannot be answered."""

    selects: tuple[Choices, ...]
    boxes: tuple[Box, ...]
    values: dict[str, str]
    csv: str = ""  # addresses of the same report as a file
    parquet: str = ""
    heads: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    total: Line | None = None
    chart: Chart | None = None
    caption: str = ""
    notes: tuple[str, ...] = ()
    trouble: str = ""
    status: int = 200


# ---- what is shown


def form_only(query: Mapping[str, str], error: InputError | None = None) -> Shown:
    """The form with its values; error: why there is no more."""
    values = values_of(query)
    ads = [Choice(one.name, one.label) for one in DIMENSIONS]
    selects = (
        _select("by", "By", [Choice("", "Nothing"), *ads], values),
        _select("also", "and by", [Choice("", "–"), *ads], values),
        _select("grain", "and by time", GRAINS, values), _select("days", "Over", DAYS, values),
        _select("compare", "Beside", COMPARED, values), _select("rule", "Credit by", RULES, values),
        _select("where", "Only where", [Choice("", "–"), *ads], values),
    )  # fmt: skip
    chosen = chosen_metrics(query)
    boxes = tuple(Box(metric=one, chosen=one.name in chosen) for one in METRICS)
    unknown = unknown_metrics(query)
    notes = (f"This version knows no metric named {', '.join(unknown)}: shown without.",) if unknown else ()
    if error is None:
        return Shown(selects=selects, boxes=boxes, values=values, notes=notes)
    trouble = f"{error.field} “{error.value}”: expected {error.expected}" + (
        f"; {error.remedy}" if error.remedy else ""
    )
    return Shown(selects=selects, boxes=boxes, values=values, notes=notes, trouble=trouble, status=422)


def _select(name: str, label: str, choices: list[Choice] | dict[str, str], values: Mapping[str, str]) -> Choices:
    found = [Choice(*pair) for pair in choices.items()] if isinstance(choices, dict) else choices
    return Choices(name=name, label=label, chosen=values[name], choices=tuple(found))


def shown(query: Mapping[str, str], address: str, report: Report, currency: str) -> Shown:
    """The page with its report. address: what stands behind the question mark."""
    question, named = report.question, [BY_NAME[name].label for name in report.question.by]
    time_head = (
        (f"{GRAINS[question.grain]}, {'UTC' if question.grain == 'hour' else question.zone}",) if question.grain else ()
    )
    columns: list[str] = []
    for metric in report.metrics:
        unit = f", {currency}" if metric.unit == "money" else ""
        columns += [metric.label + unit, *(["Change"] if question.compare_us is not None else [])]
    total = _line(report, report.total)
    return msgspec.structs.replace(
        form_only(query),
        boxes=tuple(Box(metric=one, chosen=one in report.metrics) for one in METRICS),
        csv=f"/reports.csv?{address}", parquet=f"/reports.parquet?{address}", heads=(*time_head, *named),
        columns=tuple(columns), lines=tuple(_line(report, row) for row in report.rows), total=total,
        chart=_chart(report, currency), caption=f"{len(report.rows):,} lines; {report.keys:,} keys in all",
    )  # fmt: skip


def _line(report: Report, row: Row) -> Line:
    question = report.question
    heads = [_begin(row.begin_us, question)] if question.grain and row.begin_us else []
    figures: list[str] = []
    for place, metric in enumerate(report.metrics):
        figures.append(_figure(metric, row.values[place]))
        if row.before is not None:
            figures.append(_change(row.values[place], row.before[place]))
    return Line(heads=(*heads, *(text or "(not known)" for text in row.key)), figures=tuple(figures))


def _begin(time_us: int, question: Question) -> str:
    zone = UTC if question.grain == "hour" else zone_of(question.zone)
    return datetime.fromtimestamp(time_us / 1e6, zone).strftime(
        "%Y-%m-%d %H:%M" if question.grain == "hour" else "%Y-%m-%d"
    )


def _figure(metric: Metric, value: float | None) -> str:
    match metric.unit:
        case "money":
            return money(value)
        case "share":
            return percent(value, 2)
        case "times":
            return number(value, 2)
        case _:
            return number(value)


def _change(now: float | None, before: float | None) -> str:
    """Of a figure beside the other period's, in percent of that."""
    return UNKNOWN if now is None or not before else f"{(now / before - 1) * 100:+,.1f} %"


def _chart(report: Report, currency: str) -> Chart | None:
    """The first metric over time, a series a key: as many as can be told apart."""
    if report.question.grain is None or not report.rows:
        return None
    metric, keys = report.metrics[0], list(dict.fromkeys(row.key for row in report.rows))[:DRAWN]
    scale = 1e-6 if metric.unit == "money" else 1.0
    at: dict[int, dict[tuple[str, ...], float | None]] = {}
    for row in report.rows:
        value = row.values[0]
        at.setdefault(row.begin_us, {})[row.key] = None if value is None else value * scale
    title = f"{metric.label}, {currency}" if metric.unit == "money" else metric.label
    return Chart(
        name="report", title=title, unit=UNITS[metric.unit],
        series=tuple(" · ".join(text or "(not known)" for text in key) or "All" for key in keys),
        rows=tuple(Point(time_us=time_us, values=tuple(map(found.get, keys))) for time_us, found in at.items()),
        dated=True,
    )  # fmt: skip


# ---- files

Kind = Literal["csv", "parquet"]


def columns_of(report: Report) -> pa.Table:
    """The report as a table for a file: begin (UTC), dimensions, metrics (money in micros), and theirs of before."""
    question = report.question
    columns: dict[str, pa.Array] = {}
    if question.grain is not None:
        columns["begin"] = pa.array([row.begin_us for row in report.rows], pa.timestamp("us", tz="UTC"))
    for place, name in enumerate(question.by):
        columns[name] = pa.array([row.key[place] for row in report.rows], pa.string())
    for place, metric in enumerate(report.metrics):
        name = f"{metric.name}_micros" if metric.unit == "money" else metric.name
        kind = pa.float64() if metric.below else pa.int64()
        columns[name] = pa.array([row.values[place] for row in report.rows], kind)
        if question.compare_us is not None:
            columns[f"{name}_before"] = pa.array([row.before and row.before[place] for row in report.rows], kind)
    return pa.table(columns)
