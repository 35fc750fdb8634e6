"""Overview: how the service does now, and how it did in the last minutes; it goes on by itself.

    requests/s = d requests / d t         RPM = 1000 d charged / d auctions
    CTR = d clicks / d impressions        CVR = d conversions / d clicks

A difference d is of two looks at the counters of all workers of the machine (counters.py, machine.py): five seconds to
a minute apart for what is per second and for times, at least a minute for ratios, which few events make jump.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from adcascade.console.counters import Counters, Quantile, Timing, quantile
from adcascade.console.page import At, Page, Visit
from adcascade.console.words import UNKNOWN, money, number, percent
from adcascade.errors import InputError

SPANS = {"5m": 300_000_000, "15m": 900_000_000, "1h": 3_600_000_000}
POINTS = 60
DRAWN = 5  # stages of one chart
RATIO_US = 60_000_000  # at least so far apart are two looks that a ratio is made of
MICROS = 1e6
Unit = Literal["count", "money", "percent", "ms"]


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One number, large. hint: what it is measured over."""

    label: str
    value: str
    hint: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a chart; None: nothing to divide by."""

    time_us: int
    values: tuple[float | None, ...]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Series over time, as a table that the script draws."""

    name: str
    title: str
    unit: Unit
    series: tuple[str, ...]
    rows: tuple[Row, ...]
    dated: bool = False  # its times are of several days


class StageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stage's times in milliseconds over the span shown."""

    stage: str
    calls: float
    mean: float | None
    p50: str
    p99: str


class AlarmRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, since when, and what to do."""

    name: str
    scenario: str
    sentence: str
    remedy: str
    since_us: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page."""

    tiles: tuple[Tile, ...]
    charts: tuple[Chart, ...]
    stages: tuple[StageRow, ...]
    alarms: tuple[AlarmRow, ...]
    span: str
    spans: tuple[str, ...]
    ready: str  # "" or a sentence why not, of the first worker that is not
    bundle: str
    workers: int  # that looked within the last rounds
    time_us: int


Per = Callable[[Counters, Counters], float | None]  # an earlier look and a later one


def ratio(above: float, below: float, factor: float = 1.0) -> float | None:
    """above / below; None where there is nothing to divide by."""
    return factor * above / below if below > 0 else None


def per_second(name: str) -> Per:
    """A counter's rate."""
    return lambda a, b: ratio(getattr(b, name) - getattr(a, name), (b.time_us - a.time_us) / MICROS)


def rpm(a: Counters, b: Counters) -> float | None:
    """Charged for a thousand auctions, in units of money."""
    return ratio(b.charged - a.charged, b.auctions - a.auctions, 1_000 / MICROS)


def ctr(a: Counters, b: Counters) -> float | None:
    """Clicks over impressions."""
    return ratio(b.clicks - a.clicks, b.impressions - a.impressions)


def cvr(a: Counters, b: Counters) -> float | None:
    """Conversions over clicks."""
    return ratio(b.conversions - a.conversions, b.clicks - a.clicks)


def stage_ms(stage: str) -> Per:
    """Mean time of a stage, milliseconds."""

    def mean(a: Counters, b: Counters) -> float | None:
        before, after = a.stages.get(stage, Timing(0.0, 0.0, ())), b.stages.get(stage, Timing(0.0, 0.0, ()))
        return ratio(after.seconds - before.seconds, after.calls - before.calls, 1e3)

    return mean


def along(looks: Sequence[Counters], series: Sequence[Per], least_us: int = 0) -> tuple[Row, ...]:
    """The series at each look but the first: against the look before it, or the last one `least_us` or more earlier."""
    rows, earlier = [], 0
    for place in range(1, len(looks)):
        now = looks[place]
        while earlier + 1 < place and looks[earlier + 1].time_us <= now.time_us - least_us:
            earlier += 1
        rows.append(Row(time_us=now.time_us, values=tuple(per(looks[earlier], now) for per in series)))
    return tuple(rows)


def _slowest(stages: Mapping[str, Timing]) -> tuple[str, ...]:
    """As many as a chart can tell apart, the slowest first; the table has them all."""
    means = {stage: ratio(timing.seconds, timing.calls) or 0.0 for stage, timing in stages.items()}
    return tuple(sorted(means, key=lambda stage: -means[stage])[:DRAWN])


def _against_plan(one: Counters) -> tuple[float | None, float | None]:
    """Spent and due, in units of money; unknown before the first control slot is over."""
    return (one.spent / MICROS, one.due / MICROS) if one.budget else (None, None)


def charts_of(looks: Sequence[Counters]) -> tuple[Chart, ...]:
    """All charts of the page."""
    stages = _slowest(looks[-1].stages) if looks else ()
    spent = tuple(Row(time_us=one.time_us, values=_against_plan(one)) for one in looks)
    wins = tuple(Row(time_us=one.time_us, values=(one.win_rate,)) for one in looks)
    return (
        Chart(
            name="traffic", title="Requests and ads a second", unit="count", series=("requests", "ads"),
            rows=along(looks, (per_second("requests"), per_second("ads"))),
        ),
        Chart(
            name="rpm", title="RPM: revenue of a thousand requests", unit="money", series=("RPM",),
            rows=along(looks, (rpm,), RATIO_US),
        ),
        Chart(
            name="rates", title="Click and conversion rate", unit="percent", series=("CTR", "CVR"),
            rows=along(looks, (ctr, cvr), RATIO_US),
        ),
        Chart(name="spend", title="Spent today, and the plan", unit="money", series=("spent", "plan"), rows=spent),
        Chart(name="wins", title="Win rate, last hour", unit="percent", series=("win rate",), rows=wins),
        Chart(
            name="latency", title="Time of the slowest stages", unit="ms", series=stages,
            rows=along(looks, tuple(stage_ms(stage) for stage in stages)),
        ),
    )  # fmt: skip


def tiles_of(looks: Sequence[Counters], currency: str) -> tuple[Tile, ...]:
    """The numbers at the top: of the last minute, or of the whole span shown."""
    if len(looks) < 2:
        return ()
    first, last = looks[0], looks[-1]
    recent = next((one for one in reversed(looks[:-1]) if one.time_us <= last.time_us - RATIO_US), first)
    minute = f"last {max(1, round((last.time_us - recent.time_us) / MICROS))} s"
    span = f"last {_length(last.time_us - first.time_us)}"
    paced = f"paced {money(last.spent)} of plan {money(last.due)}" if last.budget else "no budget is paced yet"
    return (
        Tile(label="Requests a second", value=number(per_second("requests")(recent, last)), hint=minute),
        Tile(label="RPM", value=number(rpm(first, last), 2), hint=f"{currency}, {span}"),
        Tile(label="CTR", value=percent(ctr(first, last), 2), hint=span),
        Tile(label="CVR", value=percent(cvr(first, last), 2), hint=span),
        Tile(label="Win rate", value=percent(last.win_rate), hint="last hour"),
        Tile(label="Charged today", value=money(last.booked), hint=f"{currency}; {paced}"),
    )


def _length(us: int) -> str:
    seconds = round(us / MICROS)
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


def stages_of(looks: Sequence[Counters]) -> tuple[StageRow, ...]:
    """Times of the stages between the first look and the last."""
    if len(looks) < 2:
        return ()
    first, last = looks[0], looks[-1]
    found = []
    for stage, after in last.stages.items():
        before = first.stages.get(stage)
        p50, p99 = (_told(quantile(before, after, share)) for share in (0.5, 0.99))
        found.append(
            StageRow(
                stage=stage.replace("_", " "),
                calls=after.calls - (0.0 if before is None else before.calls),
                mean=stage_ms(stage)(first, last),
                p50=p50,
                p99=p99,
            )
        )
    return tuple(found)


def _told(found: Quantile | None) -> str:
    """In milliseconds, as exactly as the buckets of the histogram allow."""
    if found is None:
        return UNKNOWN
    return {"": "", "below": "< ", "above": "> "}[found.beyond] + number(found.seconds * 1e3, 2)


def alarms_of(told: Sequence[Mapping[str, object]], now_us: int) -> tuple[AlarmRow, ...]:
    """Alarms of all workers as rows; one that several tell of stands there once, since it was first up."""
    rows = [
        AlarmRow(
            name=str(one["name"]), scenario=str(one.get("scenario", "")), sentence=str(one["sentence"]),
            remedy=str(one["remedy"]), since_us=int(str(one.get("since_us", now_us))),
        )
        for one in told
    ]  # fmt: skip
    found: dict[tuple[str, str], AlarmRow] = {}
    for row in sorted(rows, key=lambda row: row.since_us):
        found.setdefault((row.name, row.scenario), row)
    return tuple(found.values())


def span_of(text: str) -> str:
    """How far back; InputError where it is none of SPANS."""
    if text not in SPANS:
        raise InputError("span", text, " or ".join(SPANS))
    return text


async def show(visit: Visit) -> Overview:
    """The page, as of the newest look, with what the worker that answers knows by now."""
    desk, span = visit.desk, span_of(visit.query.get("span", "5m"))
    backend, looks, alive = (
        desk.inside.backend,
        desk.history.last(SPANS[span], POINTS),
        desk.machine.alive(visit.now_us),
    )
    return Overview(
        tiles=tiles_of(looks, desk.inside.options.currency),
        charts=charts_of(looks),
        stages=stages_of(looks),
        alarms=alarms_of([*backend.alarms(), *(alarm for one in alive for alarm in one.alarms)], visit.now_us),
        span=span,
        spans=tuple(SPANS),
        ready=backend.ready() or next((one.trouble for one in alive if one.trouble), ""),
        bundle=", ".join(dict.fromkeys([backend.bundle_version, *(one.bundle for one in alive)])),
        workers=max(1, len(alive)),
        time_us=visit.now_us,
    )


PAGE = Page(
    name="overview",
    title="Overview",
    path="/",
    needs="reports:read",
    whole_house=True,
    open=True,
    routes=(
        At(path="/", handler=show, template="overview.html"),
        At(path="/overview/live", handler=show, template="overview_live.html"),
    ),
)
