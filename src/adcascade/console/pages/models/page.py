"""Models: the bundles, what each is worth, and which one serves.

The shelf is read from its folder, the calibration of served answers from the newest part of the log. Viewers look;
who may make keys, an administrator, promotes, rolls back and lets a bundle shadow, after a second look
(shadow.py).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import msgspec

from adcascade.calibration.stored import read_calibration
from adcascade.cascade import promoting
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.bundle_shelf import children, lineage, on_shelf, shelf_of, shelved, size_of
from adcascade.cascade.calibration_curve import Curves, recent_curves
from adcascade.console.figures import Figure
from adcascade.console.page import At, Go, Page, Says, Visit
from adcascade.console.pages.models import shadow, views
from adcascade.console.pages.models.shadow_views import ShadowView, share_words
from adcascade.console.table import Table, asked_of
from adcascade.errors import BundleError, DataMissingError
from adcascade.server.problems import RefusalError

LIVE = "AUC of served answers"


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page. current: what the folder says; here: what this process answers with."""

    table: Table
    figures: tuple[Figure, ...]
    current: str
    known: bool  # the current one is there
    here: str
    ancestry: views.Ancestry
    changes: tuple[views.ChangeRow, ...]
    unread: int
    may: bool
    back: str  # what a roll back would bring, "" where there is nothing
    shadow: str  # the version that should shadow, "" where none should
    shadowed: str  # its share, in words
    shadow_trouble: str  # why it does not, or ""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """The view of one bundle."""

    row: views.BundleRow
    words: tuple[views.Told, ...]
    metrics: tuple[views.Told, ...]
    held_out: tuple[views.ScenarioRow, ...]  # metrics by scenario; older bundles have none
    ancestry: views.Ancestry
    stored: views.Stored
    scenarios: tuple[views.ScenarioRow, ...]
    curves: tuple[Figure, ...]
    looked: Curves | None  # None: there is no log
    live: Figure | None  # AUC of served answers; None: nothing to draw
    shadow: ShadowView | None  # None: it never shadowed
    serves: bool
    shadows: bool
    may: bool


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the second look. now, then: what serves, what would."""

    action: str
    title: str
    now: views.BundleRow | None
    then: views.BundleRow
    serving: str


def _bundles(visit: Visit) -> Bundles:
    return Bundles(visit.desk.settings.bundles_path)


def _asked(visit: Visit, bundles: Bundles) -> str:
    """The version of the address; 404 where none lies there."""
    version = visit.path["version"]
    if not on_shelf(bundles, version):
        raise RefusalError(404, "version", version, "a bundle that is there", "choose one on the page of models")
    return version


def _may(visit: Visit) -> bool:
    return visit.allows("keys:write")


def _table(bundles: Bundles, query: Mapping[str, str]) -> Table:
    asked = asked_of(query, views.COLUMNS, "-made")
    table, page = views.table_of(shelf_of(bundles), asked)
    sized: list[msgspec.Struct] = [views.row_of(one, size_of(bundles.path(one.version))) for one in page]
    return msgspec.structs.replace(table, rows=sized)


def _all(bundles: Bundles, visit: Visit) -> Models:
    shelf, current, history = shelf_of(bundles), bundles.current() or "", bundles.history()
    noted, unread = promoting.changes(bundles.folder)
    order, trouble = shadow.line_of(bundles)
    return Models(
        table=_table(bundles, visit.query),
        figures=views.over_time(shelf),
        current=current,
        known=any(one.serves for one in shelf),
        here=visit.desk.inside.backend.bundle_version,
        ancestry=views.Ancestry(ancestors=lineage(shelf, current) if current else (), children=()),
        changes=views.change_rows(noted),
        unread=unread,
        may=_may(visit),
        back=history[-1] if history else "",
        shadow="" if order is None else order.version,
        shadowed="" if order is None else share_words(order.share),
        shadow_trouble=trouble,
    )


def _looked(journal: Path, version: str) -> Curves | None:
    try:
        return recent_curves(journal, version)
    except DataMissingError:
        return None


def _one(bundles: Bundles, version: str, looked: Curves | None, shadowed: ShadowView | None, *, may: bool) -> Model:
    shelf = shelf_of(bundles)
    one, size = shelved(bundles, version), size_of(bundles.path(version))
    return Model(
        row=views.row_of(one, size),
        words=() if one.manifest is None else views.manifest_words(one.manifest, size),
        metrics=() if one.manifest is None else views.metric_words(one.manifest.metrics),
        held_out=() if one.manifest is None else views.held_out_rows(one.manifest.scenarios),
        ancestry=views.Ancestry(ancestors=lineage(shelf, version), children=children(shelf, version)),
        stored=_stored(bundles, version),
        scenarios=() if looked is None else views.scenario_rows(looked),
        curves=() if looked is None else views.curve_figures(looked),
        looked=looked,
        live=None if looked is None else views.live_figure("live-auc", LIVE, looked.periods, ("AUC",)),
        shadow=shadowed,
        serves=one.serves,
        shadows=one.shadows,
        may=may,
    )


def _stored(bundles: Bundles, version: str) -> views.Stored:
    try:
        return views.stored_of(read_calibration(bundles.path(version) / "calibration")[0])
    except BundleError as error:
        return views.Stored(rows=(), figure=None, trouble=str(error))


def _refused(error: BundleError) -> NoReturn:
    """A damaged bundle stands in the way: nothing was changed."""
    raise RefusalError(409, "bundle", str(error), "a bundle as it was written", "nothing was changed") from error


# ---- handlers


async def show(visit: Visit) -> Models:
    """The page."""
    return await visit.aside(_all, _bundles(visit), visit)


async def rows(visit: Visit) -> Table:
    """The table alone."""
    return await visit.aside(_table, _bundles(visit), visit.query)


async def show_one(visit: Visit) -> Model:
    """One bundle; what is read of the log for it is kept a while."""
    bundles = _bundles(visit)
    version, journal = _asked(visit, bundles), visit.desk.settings.journal_path
    looked = await visit.desk.kept.get(("curves", version), visit.now_us, lambda: _looked(journal, version))
    shadowed = await shadow.section_of(visit, bundles, version)
    return await visit.aside(_one, bundles, version, looked, shadowed, may=_may(visit))


def _decision(bundles: Bundles, version: str, action: str, title: str) -> Decision:
    current = bundles.current() or ""
    now = views.row_of(shelved(bundles, current)) if on_shelf(bundles, current) else None
    return Decision(action=action, title=title, now=now, then=views.row_of(shelved(bundles, version)), serving=current)


async def decide(visit: Visit) -> Decision:
    """Both bundles side by side, before one takes the other's place."""
    bundles = _bundles(visit)
    version = _asked(visit, bundles)
    return await visit.aside(_decision, bundles, version, f"/models/{version}/promote", "Promote this bundle?")


async def decide_back(visit: Visit) -> Decision:
    """The same for the bundle that served before."""
    bundles = _bundles(visit)
    history = await visit.aside(bundles.history)
    if not history or not on_shelf(bundles, history[-1]):
        raise RefusalError(404, "bundle", "none", "one that served before", "there is nothing to roll back to")
    return await visit.aside(_decision, bundles, history[-1], "/models/back", "Roll back to this bundle?")


async def promote(visit: Visit) -> Go:
    """Every file is verified, the version serves, and a line says who did it."""
    bundles = _bundles(visit)
    version, saw = _asked(visit, bundles), visit.form.get("serving", "")
    try:
        change = await visit.aside(promoting.promote, bundles, version, who=visit.by, time_us=visit.now_us, saw=saw)
    except BundleError as error:
        _refused(error)
    said = "serves already" if change is None else "is promoted; running servers take it within seconds"
    return Go(to="/models", says=Says(text=f"{version} {said}."))


async def back(visit: Visit) -> Go:
    """As `promote`, to the bundle that served before."""
    saw = visit.form.get("serving", "")
    try:
        change = await visit.aside(promoting.roll_back, _bundles(visit), who=visit.by, time_us=visit.now_us, saw=saw)
    except BundleError as error:
        _refused(error)
    return Go(to="/models", says=Says(text=f"{change.after} serves again; running servers take it within seconds."))


PAGE = Page(
    name="models",
    title="Models",
    path="/models",
    needs="reports:read",
    whole_house=True,  # a bundle is learned from all advertisers' ads
    routes=(
        At(path="/models", handler=show, template="models.html"),
        At(path="/models/rows", handler=rows, template="models_rows.html"),
        At(path="/models/back", handler=decide_back, template="model_decision.html", needs="keys:write"),
        At(method="POST", path="/models/back", handler=back, needs="keys:write"),
        *shadow.ROUTES,
        At(path="/models/{version}", handler=show_one, template="model.html"),
        At(path="/models/{version}/promote", handler=decide, template="model_decision.html", needs="keys:write"),
        At(method="POST", path="/models/{version}/promote", handler=promote, needs="keys:write"),
    ),
)
