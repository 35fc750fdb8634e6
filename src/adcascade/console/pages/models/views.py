"""Views of bundles: what the shelf and the log say, as tables, figures and words; no HTTP, no file."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from adcascade.calibration.maps import Calibrator, encoded
from adcascade.calibration.stored import TargetMaps
from adcascade.cascade.bundle import Manifest
from adcascade.cascade.bundle_shelf import Ancestor, Shelved
from adcascade.cascade.calibration_curve import Curve, Curves
from adcascade.cascade.live_auc import Period
from adcascade.cascade.promoting import Change
from adcascade.console.figures import Figure, Spot
from adcascade.console.table import Asked, Column, Table, page_of
from adcascade.console.words import UNKNOWN, moment, number, percent

COLUMNS = (
    Column(name="made", label="Version, made (UTC)"),
    Column(name="methods", label="Methods", sortable=False),
    Column(name="auc", label="AUC", number=True),
    Column(name="log_loss", label="Log loss", number=True),
    Column(name="pcoc", label="PCOC", number=True),
    Column(name="rows", label="Rows held out", number=True),
    Column(name="samples", label="Rows learned", number=True),
    Column(name="size", label="MB on disk", number=True, sortable=False),
)
METRICS = {"auc": "ctr_auc", "log_loss": "ctr_log_loss", "pcoc": "ctr_pcoc", "rows": "rows"}  # column -> manifest
WORDS = {  # of the manifest's metrics, in the order in which they are told
    "ctr_auc": "AUC: a click ranks above a view so often",
    "ctr_gauc": "GAUC: the same within each user's rows",
    "ctr_log_loss": "Log loss, nats a row",
    "ctr_pcoc": "PCOC: predicted clicks over clicks; 1 is right",
    "ctr_ece": "ECE: mean distance of predicted and observed rate",
    "ctr_raw_auc": "AUC before calibration",
    "ctr_raw_log_loss": "Log loss before calibration, nats a row",
    "ctr_raw_pcoc": "PCOC before calibration",
    "ctr_raw_ece": "ECE before calibration",
    "rate": "Click rate of the held-out rows",
    "rows": "Held-out rows",
    "supervised": "Share of rows with a teacher's word",
}
ALL = "all traffic"
POINTS = 25  # at which a stored map is drawn
REACH = 0.2  # up to this prediction, where a map names none
DRAWN = 8  # maps of one figure
MB = 1e6


class BundleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table. state: "serves", "shadows", "damaged" or ""."""

    version: str
    made: str
    state: str
    trouble: str
    methods: str
    auc: str
    log_loss: str
    pcoc: str
    rows: str
    samples: str
    size: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A name and what it says."""

    name: str
    value: str


def _did(change: Change) -> str:
    match change.action:
        case "promote":
            return "promoted"
        case "roll back":
            return "rolled back"
        case "shadow":
            return f"let shadow {percent(change.share)} of the requests"
        case _:
            return f"ended the shadow: {change.reason}" if change.reason else "ended the shadow"


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of what was promoted."""

    time: str
    who: str
    action: str
    before: str
    after: str


class ScenarioRow(msgspec.Struct, frozen=True, kw_only=True):
    """What predictions were worth in one scenario; impressions are held-out rows where a manifest tells them."""

    scenario: str
    impressions: str
    clicks: str
    rate: str
    auc: str
    log_loss: str
    pcoc: str
    ece: str


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle's own calibration of clicks. rows: scenario and method of each map; figure: None: all are plain."""

    rows: tuple[Told, ...]
    figure: Figure | None
    trouble: str = ""


def _value(one: Shelved, column: str) -> str | float:
    if column == "made":
        return one.version
    if one.manifest is None:
        return -1.0
    return one.manifest.samples if column == "samples" else one.manifest.metrics.get(METRICS[column], -1.0)


def words_of(one: Shelved) -> str:
    """What a search looks into."""
    methods = "" if one.manifest is None else " ".join(one.manifest.methods.values())
    return f"{one.version} {state_of(one)} {methods}"


def state_of(one: Shelved) -> str:
    """In words: whether it serves or shadows, and whether it could."""
    words = {"serves": one.serves, "shadows": one.shadows, "damaged": bool(one.trouble)}
    return " and ".join(word for word, true in words.items() if true)


def table_of(shelf: Sequence[Shelved], asked: Asked) -> tuple[Table, list[Shelved]]:
    """The table without sizes, and the bundles of its rows, in their order."""
    page, cursor, total = page_of(shelf, asked, _value, lambda one: one.version, words_of)
    rows: list[msgspec.Struct] = [row_of(one) for one in page]
    return Table(
        name="bundles", caption="Bundles", columns=COLUMNS, rows=rows, asked=asked, url="/models",
        rows_url="/models/rows", after=cursor, total=total,
        empty="No bundle: `adcascade train --dir shop` makes the first." if not shelf else "Nothing here.",
    ), page  # fmt: skip


def row_of(one: Shelved, size: int | None = None) -> BundleRow:
    """A bundle as a line. size: bytes."""
    manifest = one.manifest
    told = {} if manifest is None else manifest.metrics
    return BundleRow(
        version=one.version,
        made=UNKNOWN if manifest is None else moment(manifest.created_us),
        state=state_of(one),
        trouble=one.trouble,
        methods=UNKNOWN if manifest is None else ", ".join(f"{k} {v}" for k, v in manifest.methods.items()),
        auc=number(told.get("ctr_auc"), 4),
        log_loss=number(told.get("ctr_log_loss"), 4),
        pcoc=number(told.get("ctr_pcoc"), 3),
        rows=number(told.get("rows"), 0),
        samples=UNKNOWN if manifest is None else number(manifest.samples, 0),
        size=UNKNOWN if size is None else number(size / MB, 1),
    )


def over_time(shelf: Sequence[Shelved]) -> tuple[Figure, ...]:
    """AUC and PCOC of all bundles that were measured, oldest first."""
    measured = [one.manifest for one in reversed(shelf) if one.manifest and "ctr_auc" in one.manifest.metrics]
    measured.sort(key=lambda manifest: manifest.created_us)

    def figure(name: str, title: str, series: str, metric: str) -> Figure:
        rows = tuple(
            Spot(
                x=one.created_us, label=moment(one.created_us), values=(one.metrics.get(metric),), notes=(one.version,)
            )
            for one in measured
        )
        return Figure(
            name=name, title=title, across="day", head="Made, UTC", unit="ratio", series=(series,), rows=rows,
            note_heads=("Version",), tight=True,
        )  # fmt: skip

    return (
        figure("auc", "AUC on held-out rows, by bundle", "AUC", "ctr_auc"),
        figure("pcoc", "PCOC on held-out rows, by bundle; 1 is right", "PCOC", "ctr_pcoc"),
    )


def manifest_words(manifest: Manifest, size: int | None) -> tuple[Told, ...]:
    """The manifest but for its metrics and files."""
    learned = f"{number(manifest.samples, 0)} rows"
    until = f", from the log up to {moment(manifest.until_us)} UTC" if manifest.until_us else ""
    return (
        Told(name="Made", value=f"{moment(manifest.created_us)} UTC"),
        Told(name="Learned from", value=learned + until if manifest.samples else "nothing: it is unlearned"),
        *(Told(name=stage.capitalize(), value=method) for stage, method in manifest.methods.items()),
        Told(name="Made from", value=", ".join(manifest.parents) or "no other bundle"),
        Told(name="Encoder", value=f"{manifest.schema[:16]} (fingerprint)"),
        Told(name="Files", value=f"{len(manifest.files)}, {number(None if size is None else size / MB, 1)} MB"),
        Told(name="Format", value=str(manifest.format)),
    )


def metric_words(metrics: Mapping[str, float]) -> tuple[Told, ...]:
    """Known metrics in words, further ones by name, times last."""
    times = sorted(name for name in metrics if name.startswith("seconds_"))
    others = sorted(set(metrics) - set(WORDS) - set(times))
    known = [Told(name=words, value=_metric(name, metrics[name])) for name, words in WORDS.items() if name in metrics]
    named = [Told(name=name, value=number(metrics[name], 4)) for name in others]
    timed = [
        Told(name=f"Learning {name.removeprefix('seconds_')}, seconds", value=number(metrics[name], 1))
        for name in times
    ]
    return (*known, *named, *timed)


def _metric(name: str, value: float) -> str:
    if name in {"rate", "supervised"}:
        return percent(value, 2)
    return number(value, 0 if name == "rows" else 4)


def scenario_rows(curves: Curves) -> tuple[ScenarioRow, ...]:
    """A line a curve that has an impression."""
    return tuple(
        ScenarioRow(
            scenario=one.scenario or ALL, impressions=number(one.impressions, 0),
            clicks=number(one.clicks, 0), rate=percent(one.clicks / one.impressions, 2), auc=number(one.auc, 4),
            log_loss=number(one.log_loss, 4), pcoc=number(one.pcoc, 3), ece=number(one.ece, 4),
        )
        for one in curves.curves
        if one.impressions
    )  # fmt: skip


def held_out_rows(scenarios: Mapping[str, Mapping[str, float]]) -> tuple[ScenarioRow, ...]:
    """A line a scenario of a manifest, largest first; metrics that it does not tell are dashes."""
    found = sorted(scenarios.items(), key=lambda item: -item[1].get("rows", 0.0))
    return tuple(
        ScenarioRow(
            scenario=name, impressions=number(told.get("rows"), 0),
            clicks=number(told["rows"] * told["rate"] if {"rows", "rate"} <= set(told) else None, 0),
            rate=percent(told.get("rate"), 2), auc=number(told.get("ctr_auc"), 4),
            log_loss=number(told.get("ctr_log_loss"), 4), pcoc=number(told.get("ctr_pcoc"), 3),
            ece=number(told.get("ctr_ece"), 4),
        )
        for name, told in found
    )  # fmt: skip


def curve_figures(curves: Curves) -> tuple[Figure, ...]:
    """Predicted against observed, a figure a curve that has an impression."""
    return tuple(
        curve_figure(f"curve-{place}", f"Predicted against observed clicks: {one.scenario or ALL}", one)
        for place, one in enumerate(curves.curves)
        if one.impressions
    )


def curve_figure(name: str, title: str, curve: Curve) -> Figure:
    """Predicted against observed, of one curve."""
    rows = tuple(
        Spot(
            x=one.predicted, label=percent(one.predicted, 2), values=(one.observed, one.predicted),
            notes=(number(one.impressions, 0), number(one.clicks, 0)),
        )
        for one in curve.points
    )  # fmt: skip
    return Figure(
        name=name, title=title, across="percent", head="Predicted", unit="percent",
        series=("observed", "as predicted"), rows=rows, note_heads=("Impressions", "Clicks"),
    )  # fmt: skip


def stored_of(maps: TargetMaps) -> Stored:
    """The maps of clicks that the bundle applies: which, and what each makes of the model's prediction."""
    named = {ALL: maps.everywhere, **dict(sorted(maps.scenarios.items()))}
    told = tuple(Told(name=name, value=encoded(one).method) for name, one in named.items())
    drawn = dict(list(named.items())[:DRAWN])
    if all(encoded(one).method == "none" for one in drawn.values()):
        return Stored(rows=told, figure=None)
    across = np.linspace(0.0, max(_reach(one) for one in drawn.values()), POINTS)
    columns = [one(across) for one in drawn.values()]
    rows = tuple(
        Spot(x=float(x), label=percent(float(x), 2), values=tuple(float(column[k]) for column in columns))
        for k, x in enumerate(across)
    )
    figure = Figure(
        name="stored", title="Calibrated prediction, by the model's prediction", across="percent",
        head="Model's prediction", unit="percent", series=tuple(drawn), rows=rows,
    )  # fmt: skip
    return Stored(rows=told, figure=figure)


def _reach(one: Calibrator) -> float:
    knots = encoded(one).x
    return min(1.0, knots[-1]) if knots and knots[-1] > 0 else REACH


def change_rows(changes: Sequence[Change]) -> tuple[ChangeRow, ...]:
    """As lines."""
    return tuple(
        ChangeRow(
            time=moment(one.time_us) if 0 <= one.time_us < 2**57 else UNKNOWN, who=one.who, action=_did(one),
            before=one.before or "none", after=one.after or "none",
        )
        for one in changes
    )  # fmt: skip


def live_figure(name: str, title: str, periods: Sequence[Period], series: tuple[str, ...]) -> Figure | None:
    """AUC by hour or day, with counts; None where no period has one."""
    rows = tuple(
        Spot(
            x=one.start_us, label=moment(one.start_us), values=one.aucs,
            notes=(number(one.impressions, 0), number(one.clicks, 0)),
        )
        for one in periods
    )  # fmt: skip
    if not any(value is not None for row in rows for value in row.values):
        return None
    return Figure(
        name=name, title=title, across="day", head="Answered, UTC", unit="ratio", series=series, rows=rows,
        note_heads=("Impressions", "Clicks"), tight=True,
    )  # fmt: skip


class Ancestry(msgspec.Struct, frozen=True, kw_only=True):
    """A lineage and what was made of the bundle."""

    ancestors: tuple[Ancestor, ...]
    children: tuple[str, ...]
