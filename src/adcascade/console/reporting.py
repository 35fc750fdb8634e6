"""The page of reports without HTTP: from the fields of its address to a question, and from a report to what is shown.

Every field has a value of its own (`DEFAULTS`), so an address may hold any of them, and the same address always asks
the same thing. A metric is asked for by `metric_ctr=yes`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, cast

import msgspec
import pyarrow as pa

from adcascade.console.form import Choice
from adcascade.console.pages.overview import Chart, Unit
from adcascade.console.pages.overview import Row as Point
from adcascade.console.words import UNKNOWN, money, number, percent
from adcascade.errors import InputError
from adcascade.events.attribution.rule import Rule
from adcascade.reports.columns import BY_NAME, DIMENSIONS
from adcascade.reports.grain import Grain, zone_of
from adcascade.reports.metrics import METRICS, Metric
from adcascade.reports.query import Question, Report, Row

DAYS = {"1": "1 day", "7": "7 days", "28": "28 days", "91": "91 days", "364": "364 days"}
GRAINS = {"": "No", "hour": "Hour", "day": "Day", "week": "Week"}
COMPARED = {"": "Nothing", "before": "The period before", "year": "The same days of last year"}
RULES = {"named": "Bid the shop named", "settings": "Rule of adcascade.toml", "click": "Last click"}
DEFAULTS = {
    "by": "campaign", "also": "", "grain": "", "days": "7", "until": "", "zone": "UTC", "compare": "", "rule": "named",
    "where": "", "is": "", "top": "20",
}  # fmt: skip
USUAL = ("revenue", "impressions", "clicks", "ctr", "conversions", "roas")
DRAWN = 5  # keys of the chart
UNITS: dict[str, Unit] = {"count": "count", "money": "money", "share": "percent", "times": "count"}
MOST_TOP = 1000


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
    """The view of the page. trouble: why the question cannot be answered."""

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
    trouble: str = ""
    status: int = 200


def question_of(query: Mapping[str, str], now_us: int) -> Question:
    """What an address asks; InputError names the field that cannot be used."""
    values = values_of(query)
    for name, choices in (("days", DAYS), ("grain", GRAINS), ("compare", COMPARED), ("rule", RULES)):
        if values[name] not in choices:
            raise InputError(name, values[name], "one of " + ", ".join(one or "nothing" for one in choices))
    from_us, to_us, last_day = _period(values, now_us)
    back = {"": 0, "before": int(values["days"]), "year": 364}[values["compare"]]
    where = {values["where"]: (values["is"],)} if values["where"] else {}
    by = tuple(name for name in (values["by"], values["also"]) if name)
    return Question(
        metrics=_metrics(query, ads=any(BY_NAME[name].of_ads for name in (*by, *where) if name in BY_NAME)),
        by=by, grain=cast("Grain | None", values["grain"] or None), zone=values["zone"], from_us=from_us, to_us=to_us,
        where=where, top=_top(values["top"]),
        compare_us=_midnight(last_day - timedelta(int(values["days"]) - 1 + back), values["zone"]) if back else None,
    )  # fmt: skip


def values_of(query: Mapping[str, str]) -> dict[str, str]:
    """The address's fields, each its own value where it is not given."""
    return {name: query.get(name, default).strip() for name, default in DEFAULTS.items()}


def rule_of(name: str, configured: Rule) -> Rule | None:
    """The rule of attribution of the form's choice; None: as the log names bids."""
    return {"named": None, "settings": configured, "click": Rule(view_us=0, direct=False)}[name]


def _metrics(query: Mapping[str, str], *, ads: bool) -> tuple[str, ...]:
    asked = tuple(metric.name for metric in METRICS if f"metric_{metric.name}" in query)
    return asked or (USUAL if ads else ("requests", "rpm", *USUAL))


def _top(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_TOP:
        raise InputError("top", text, f"a whole number from 1 to {MOST_TOP}")
    return int(text)


def _period(values: Mapping[str, str], now_us: int) -> tuple[int, int, date]:
    """First and behind the last microsecond, and the last day: `days` days of the zone, up to now or a day's end."""
    today = datetime.fromtimestamp(now_us / 1e6, zone_of(values["zone"])).date()
    try:
        last = date.fromisoformat(values["until"]) if values["until"] else today
        begin = last - timedelta(int(values["days"]) - 1)
        return _midnight(begin, values["zone"]), _midnight(last + timedelta(1), values["zone"]), last
    except (ValueError, OverflowError) as error:
        raise InputError("until", values["until"], "a day such as 2026-03-29, or nothing for today") from error


def _midnight(day: date, zone: str) -> int:
    return round(datetime.combine(day, time.min, zone_of(zone)).astimezone(UTC).timestamp()) * 1_000_000


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
    chosen = _metrics(query, ads=values["by"] in BY_NAME and BY_NAME[values["by"]].of_ads)
    boxes = tuple(Box(metric=one, chosen=one.name in chosen) for one in METRICS)
    if error is None:
        return Shown(selects=selects, boxes=boxes, values=values)
    trouble = f"{error.field} “{error.value}”: expected {error.expected}" + (
        f"; {error.remedy}" if error.remedy else ""
    )
    return Shown(selects=selects, boxes=boxes, values=values, trouble=trouble, status=422)


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
