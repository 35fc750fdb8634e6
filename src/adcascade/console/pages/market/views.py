"""Views of the market's runs: what their files say, as tables, charts and words; no HTTP, no file."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from adcascade.closedloop.market_figures import (
    MICROS,
    TICKS_PER_HOUR,
    Beside,
    Figures,
    Result,
    Span,
    Step,
    Sums,
    added,
    per_thousand,
    ratio,
    result_of,
    sentence,
    spans,
)
from adcascade.closedloop.market_order import DIALS, Order
from adcascade.console.market_runs import Run
from adcascade.console.pages.overview import Chart, Row, Unit
from adcascade.console.table import Asked, Column, Table, page_of
from adcascade.console.words import UNKNOWN, moment, number, percent
from adcascade.market.clock import tick_start_us
from adcascade.market.dials import label_of, plain

COLUMNS = (
    Column(name="started", label="Started, UTC"),
    Column(name="state", label="State"),
    Column(name="dials", label="Dials that differ", sortable=False),
    Column(name="seed", label="Seed", number=True),
    Column(name="ticks", label="Ticks", number=True),
    Column(name="share", label="Best share of the oracle", number=True),
)
FEW_TICKS = 36  # up to which charts have a point a tick, else an hour
FUNNEL = {"ads_in": 0, "ads_out": 0, "recall": 3, "recall_true": 3, "ms_p50": 3, "ms_p99": 3}  # column -> digits


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table."""

    id: str
    started: str
    by: str
    state: str
    tone: str
    dials: str
    seed: str
    ticks: str
    share: str


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A policy in figures. beside: its welfare less the oracle's, with the 95 % interval."""

    name: str
    rpm: str
    welfare: str
    share: str
    beside: str
    true_ctr: str
    cvr: str
    spend: str


class DialRow(msgspec.Struct, frozen=True, kw_only=True):
    """A dial that was turned."""

    label: str
    value: str
    usual: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One run. of: steps of the phase; funnel: a line a stage, of a cascade; command: the same by hand; own:
    of the installation's own market, whose dials nobody turned."""

    row: RunRow
    running: bool
    own: bool
    trouble: str
    phase: str
    done: int
    of: int
    says: str
    views: str
    policies: tuple[PolicyRow, ...]
    charts: tuple[Chart, ...]
    dials: tuple[DialRow, ...]
    funnel: tuple[tuple[str, ...], ...]
    predictions: str
    command: str


def row_of(run: Run) -> RunRow:
    """A run as a line."""
    order = run.order or Order()
    return RunRow(
        id=run.id, started=moment(run.started.time_us or None), by=who(run.started.by), state=run.state,
        tone="good" if run.state in {"done", "running"} else "bad", dials=dials_text(order), seed=number(order.seed),
        ticks=number(order.ticks), share=percent(_share(run)),
    )  # fmt: skip


def who(by: str) -> str:
    """The name of a key, of what the audit log says.

    >>> who("key:0a1b2c3d4e5f:Ann")
    'Ann'
    """
    return by.split(":", 2)[-1]


def dials_text(order: Order) -> str:
    """The dials that differ, in short."""
    if order.installation:
        return "this installation's own market and bundle"
    turned = [f"{name} {plain(value)}" for name, value in order.dials.items()]
    return ", ".join([*turned, *(["with a cascade"] if order.cascade else [])]) or "none"


def _share(run: Run) -> float | None:
    shares = [run.result.policies[name].share or 0.0 for name in run.result.beside] if run.result else []
    return max(shares, default=None)


def _value(run: Run, column: str) -> str | float:
    match column:
        case "started":
            return run.started.time_us
        case "state":
            return run.state
        case "share":
            return _share(run) or -1.0
        case _:
            return -1 if run.order is None else int(getattr(run.order, column))


def table_of(runs: Sequence[Run], asked: Asked) -> Table:
    """The runs as a table."""
    page, cursor, total = page_of(
        runs, asked, _value, lambda run: run.id,
        lambda run: f"{run.id} {run.state} {run.started.by} {dials_text(run.order or Order())}",
    )  # fmt: skip
    rows: list[msgspec.Struct] = [row_of(run) for run in page]
    return Table(
        name="runs", caption="Runs", columns=COLUMNS, rows=rows, asked=asked, url="/market", rows_url="/market-rows",
        after=cursor, total=total, empty="Nothing here." if runs else "No run yet.",
    )  # fmt: skip


# ---- one run


def shown_of(run: Run, folder: str) -> Shown:
    """Everything about a run, as far as it has got. folder: where it would lie, run by hand."""
    order = run.order or Order()
    result = run.result or result_of(run.steps)
    last = run.steps[-1] if run.steps else Step(phase="start", done=0, of=1)
    funnel = () if result.cascade is None else tuple(map(_stage, result.cascade.stages))
    views = f"{number(result.views)} page views, {number(result.hours)} hours"
    return Shown(
        row=row_of(run), running=run.state == "running", own=bool(order.installation),
        trouble=run.trouble.rstrip("."), phase=last.phase,
        done=last.done, of=last.of, says=sentence(result), views=views,
        policies=policy_rows(result), charts=charts_of(run.steps, order), dials=dial_rows(order), funnel=funnel,
        predictions=_predictions(result),
        command=" ".join(["adcascade market run", *order.arguments(), f"--out {folder}"]),
    )  # fmt: skip


def policy_rows(result: Result) -> tuple[PolicyRow, ...]:
    """Every policy, the oracle last."""
    return tuple(_policy(name, one, result.beside.get(name, {})) for name, one in result.policies.items())


def _policy(name: str, one: Figures, beside: dict[str, Beside]) -> PolicyRow:
    return PolicyRow(
        name=name, rpm=number(one.rpm, 2), welfare=number(one.welfare, 2), share=percent(one.share),
        beside=_beside(beside.get("welfare")), true_ctr=percent(one.true_ctr, 2),
        cvr=percent(one.cvr, 2), spend=number(one.spend, 2),
    )  # fmt: skip


def _beside(one: Beside | None) -> str:
    if one is None:
        return UNKNOWN
    between = "" if one.low is None or one.high is None else f" ({one.low:+,.2f} to {one.high:+,.2f})"
    return f"{one.mean:+,.2f}{between}"


def dial_rows(order: Order) -> tuple[DialRow, ...]:
    """The dials that were turned."""
    return tuple(
        DialRow(label=label_of(name), value=plain(value), usual=plain(DIALS[name][1]))
        for name, value in order.dials.items()
    )


def _stage(stage: dict[str, float | str | None]) -> tuple[str, ...]:
    numbers = [(stage.get(column), digits) for column, digits in FUNNEL.items()]
    words = [UNKNOWN if told is None else number(float(told), digits) for told, digits in numbers]
    if stage.get("ads_in") == 0:  # retrieval enters with no list
        words[0] = "catalog"
    return (str(stage["name"]), *words)


def _predictions(result: Result) -> str:
    if result.cascade is None:
        return ""
    told = result.cascade.prediction
    words = (("ctr_auc", "AUC"), ("ctr_pcoc", "predicted clicks over clicks"), ("ctr_pcoc_true", "over true ones"))
    found = [f"{label} {number(told.get(name), 3)}" for name, label in words]
    return f"{', '.join(found)}; overspend {number(result.cascade.overspend_micros)} micros"


# ---- charts


class Drawn(NamedTuple):
    """A chart. figure: of a policy's sums and the page views; summed: of all that came before, too."""

    name: str
    title: str
    unit: Unit
    figure: Callable[[Sums, int], float | None]
    summed: bool = False


CHARTS = (
    Drawn("rpm", "RPM, USD", "money", lambda one, views: per_thousand(one.charged, views)),
    Drawn(
        "welfare", "Welfare per thousand page views, USD", "money", lambda one, views: per_thousand(one.welfare, views)
    ),
    Drawn("ctr", "True CTR", "percent", lambda one, _: ratio(one.truth, one.impressions)),
    Drawn("spend", "Spent so far, USD", "money", lambda one, _: one.charged / MICROS, summed=True),
)


def charts_of(steps: Sequence[Step], order: Order) -> tuple[Chart, ...]:
    """Every policy by tick or by hour of the market's own time."""
    points = spans(steps, 1 if order.ticks <= FEW_TICKS else TICKS_PER_HOUR)
    return tuple(_chart(drawn, _summed(points) if drawn.summed else points, order.policies) for drawn in CHARTS)


def _chart(drawn: Drawn, points: Sequence[Span], policies: tuple[str, ...]) -> Chart:
    rows = tuple(
        Row(
            time_us=tick_start_us(point.tick),
            values=tuple(drawn.figure(point.sums[policy], point.views) for policy in policies),
        )
        for point in points
    )
    name = f"market-{drawn.name}"
    return Chart(name=name, title=drawn.title, unit=drawn.unit, series=policies, rows=rows, dated=True)


def _summed(points: Sequence[Span]) -> list[Span]:
    """Each with what came before."""
    found: list[Span] = []
    so_far: dict[str, Sums] = {}
    for point in points:
        so_far = added(so_far, point.sums)
        found.append(Span(tick=point.tick, views=point.views, sums=so_far))
    return found


# ---- two runs


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A line about two runs: what, of this one, of the other one."""

    label: str
    this: str
    other: str


def pairs_of(this: Run, other: Run) -> tuple[Pair, ...]:
    """Dials that differ between two runs, and each policy's welfare, RPM and share."""
    mine, theirs = this.order or Order(), other.order or Order()
    found = [
        Pair(
            label=label_of(name),
            this=plain(mine.dials.get(name, usual)),
            other=plain(theirs.dials.get(name, usual)),
        )
        for name, (_, usual) in DIALS.items()
        if mine.dials.get(name, usual) != theirs.dials.get(name, usual)
    ]
    for name in ("seed", "warm_up", "ticks"):
        if getattr(mine, name) != getattr(theirs, name):
            pair = number(getattr(mine, name)), number(getattr(theirs, name))
            found.append(Pair(label=label_of(name), this=pair[0], other=pair[1]))
    left, right = (run.result or result_of(run.steps) for run in (this, other))
    for policy in dict.fromkeys((*left.policies, *right.policies)):
        a, b = left.policies.get(policy), right.policies.get(policy)
        for label, field, digits in (("RPM, USD", "rpm", 2), ("welfare per thousand, USD", "welfare", 2)):
            told = [UNKNOWN if one is None else number(getattr(one, field), digits) for one in (a, b)]
            found.append(Pair(label=f"{policy}: {label}", this=told[0], other=told[1]))
        told = [UNKNOWN if one is None else percent(one.share) for one in (a, b)]
        found.append(Pair(label=f"{policy}: of the oracle's welfare", this=told[0], other=told[1]))
    return tuple(found)
