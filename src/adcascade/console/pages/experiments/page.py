"""Experiments: every one with its state and what came of it; viewers look, administrators create, start and stop.

Whoever may decide what answers all traffic, as by promoting a bundle, may divide it: the scope is the same, keys:write.
What is computed of the log is kept for a minute at most (kept.py), and for good once nothing can change it any more.
"""

from collections.abc import Callable
from typing import NoReturn, TypeVar

import msgspec

from adcascade.access.keys import Scope
from adcascade.cascade.arms import verify
from adcascade.console.figures import Figure
from adcascade.console.page import At, Go, Page, Says, Visit
from adcascade.console.pages.experiments import new, views
from adcascade.console.pages.experiments.figures import allocation_figure, belief_figure, difference_figures
from adcascade.console.pages.experiments.plan import plan_of
from adcascade.console.pages.experiments.results import Line, caution_of, count_lines, figure_lines, looked_words
from adcascade.console.table import Table, asked_of
from adcascade.console.words import moment
from adcascade.errors import BundleError, CallerError, ConfigurationError, DataMissingError, InputError
from adcascade.experiments.experiment import Status
from adcascade.experiments.looking_back import Look, look_back
from adcascade.experiments.planning import Traffic, recent_traffic
from adcascade.experiments.results import Results
from adcascade.experiments.store import Stored
from adcascade.experiments.verdict import Verdict, verdict_of
from adcascade.server.problems import RefusalError

T = TypeVar("T")
NEEDS: Scope = "keys:write"
STOPPED = (
    "All traffic is answered by the installation as it is, within a second or two.",
    "It is stopped for good: for a new question, create another.",
    "Its results stay; conversions of clicks that it brought go on being counted.",
)


class Experiments(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the list. running: the experiment that has the traffic; trouble: what keeps it from it."""

    table: Table
    running: str
    trouble: str
    may: bool


class One(msgspec.Struct, frozen=True, kw_only=True):
    """The view of an experiment. looked: None before its start, or without a log."""

    name: str
    stage: Status
    kind: str
    history: tuple[str, ...]
    live: views.Live
    arms: tuple[views.ArmRow, ...]
    toml: tuple[tuple[str, str], ...]  # arm, lines of adcascade.toml that make it the rule
    looked: str | None
    verdict: Verdict | None
    tone: views.Tone
    caution: str
    counts: tuple[Line, ...]
    figures: tuple[Line, ...]
    drawings: tuple[Figure, ...]
    may: bool


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the second look. says: what will happen; before: what stands in the way, "" nothing does."""

    name: str
    starts: bool
    arms: tuple[views.ArmRow, ...]
    says: tuple[str, ...]
    before: str = ""


# ---- views


def one_of(stored: Stored, here: views.Here, look: Look | None, visit: Visit) -> One:
    """Everything of one experiment."""
    found = None if look is None else look.newest
    verdict = None if found is None else verdict_of(found, stored.experiment, stored.allocations)
    end_us = visit.now_us if stored.status == "running" else stored.statuses[-1][1]
    drawings = [allocation_figure(stored, end_us)] if views.ran(stored) else []
    if look is not None:
        drawings += [belief_figure(look)] if stored.experiment.adaptive else []
        drawings += difference_figures(look)
    currency = visit.desk.inside.options.currency
    return One(
        name=stored.experiment.name, stage=stored.status, kind=views.kind_of(stored.experiment),
        history=tuple(f"{status} since {moment(at)} UTC" for status, at, _ in stored.statuses),
        live=views.live_of(stored, here), arms=views.arm_rows(stored, visit.desk.settings),
        toml=tuple((one.name, views.to_settings(one)) for one in stored.experiment.variants if one.settings),
        looked=None if look is None else looked_words(look, stored.experiment.unit),
        verdict=verdict, tone="" if verdict is None else views.VERDICT_TONES.get(verdict.state, ""),
        caution=_caution(stored, found, verdict),
        counts=() if found is None else count_lines(found),
        figures=() if found is None else figure_lines(found, currency),
        drawings=tuple(drawings), may=visit.allows(NEEDS),
    )  # fmt: skip


def _caution(stored: Stored, found: Results | None, verdict: Verdict | None) -> str:
    if found is None or verdict is None or verdict.state == "broken" or stored.status != "running":
        return ""
    return caution_of(stored, found)


# ---- reading


def _here(visit: Visit) -> views.Here:
    return views.here_of(visit.desk.inside.backend.experiment())


async def _stored(visit: Visit) -> Stored:
    """The experiment of the address; 404 where there is none."""
    name = visit.path["name"]
    try:
        return await visit.aside(visit.desk.inside.admin.experiments.get, name)
    except InputError as error:
        raise RefusalError(404, "experiment", name, error.expected, "choose one of the list") from error


async def _look(visit: Visit, stored: Stored) -> Look | None:
    """At the log; None before the start, and where there is no log."""
    if not views.ran(stored):
        return None
    done = stored.status == "stopped" and visit.now_us > stored.statuses[-1][1] + stored.experiment.window_us
    key = ("experiment", stored.experiment.name, stored.status, done)

    def make() -> Look | None:
        return _or_none(lambda: look_back(visit.desk.settings.journal_path, stored, visit.now_us))

    return await visit.desk.kept.get(key, visit.now_us, make, final=done)


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except DataMissingError:
        return None


# ---- handlers


async def show(visit: Visit) -> Experiments:
    """The list."""
    here = _here(visit)
    running = await visit.aside(visit.desk.inside.admin.experiments.running)
    return Experiments(
        table=await rows(visit), running="" if running is None else running.experiment.name,
        trouble=here.trouble, may=visit.allows(NEEDS),
    )  # fmt: skip


async def rows(visit: Visit) -> Table:
    """The table alone."""
    asked = asked_of(visit.query, views.COLUMNS, "-since")
    return views.table_of(await visit.aside(visit.desk.inside.admin.experiments.all), asked, _here(visit))


async def so_far(visit: Visit) -> views.SoFar:
    """What came of one of the list."""
    stored = await _stored(visit)
    look = await _look(visit, stored)
    if look is None:
        return views.SoFar(units="", summary="It never had traffic.", tone="")
    return views.so_far(stored, look.newest, verdict_of(look.newest, stored.experiment, stored.allocations))


async def show_one(visit: Visit) -> One:
    """One experiment."""
    stored = await _stored(visit)
    return one_of(stored, _here(visit), await _look(visit, stored), visit)


async def live(visit: Visit) -> views.Live:
    """What goes on in this process, while one waits."""
    return views.live_of(await _stored(visit), _here(visit))


async def before_start(visit: Visit) -> Decision:
    """What a start will bring."""
    stored = await _stored(visit)
    desk, unit = visit.desk, stored.experiment.unit

    def traffic() -> Traffic | None:
        return _or_none(lambda: recent_traffic(desk.settings.journal_path, unit))

    known = await desk.kept.get(("traffic", unit), visit.now_us, traffic)
    running = await visit.aside(desk.inside.admin.experiments.running)
    return Decision(
        name=stored.experiment.name, starts=True, arms=views.arm_rows(stored, desk.settings),
        says=plan_of(stored, known, desk.settings.experiments.control_s),
        before="" if running is None else running.experiment.name,
    )  # fmt: skip


async def before_stop(visit: Visit) -> Decision:
    """What a stop will bring."""
    stored = await _stored(visit)
    says = STOPPED if views.ran(stored) else ("It never had traffic. It is given up for good: its name is used.",)
    return Decision(
        name=stored.experiment.name, starts=False, arms=views.arm_rows(stored, visit.desk.settings), says=says
    )


async def start(visit: Visit) -> Go:
    """The traffic is divided from now on."""
    stored = await _stored(visit)
    try:
        await visit.aside(verify, visit.desk.settings, stored.experiment)
    except (ConfigurationError, BundleError) as error:
        raise RefusalError(409, "arms", str(error), "arms that can be served", "nothing was changed") from error
    return await _changed(visit, "running", "is started; running servers take it up within a second or two")


async def stop(visit: Visit) -> Go:
    """It ends for good."""
    await _stored(visit)
    return await _changed(visit, "stopped", "is stopped; its results stay")


async def _changed(visit: Visit, status: Status, said: str) -> Go:
    name = visit.path["name"]
    try:
        await visit.aside(visit.desk.inside.admin.experiments.set_status, name, status, visit.now_us)
    except CallerError as error:
        _refused(error)
    return Go(to=f"/experiments/{name}", says=Says(text=f"{name} {said}."))


def _refused(error: CallerError) -> NoReturn:
    raise RefusalError(409, "experiment", str(error), "another state", "nothing was changed") from error


PAGE = Page(
    name="experiments", title="Experiments", path="/experiments", needs="reports:read",
    whole_house=True,  # an experiment divides the traffic of all advertisers
    routes=(
        At(path="/experiments", handler=show, template="experiments.html"),
        At(path="/experiment-rows", handler=rows, template="experiments_rows.html"),
        At(path="/experiment-so-far/{name}", handler=so_far, template="experiments_so_far.html"),
        At(path="/experiment-live/{name}", handler=live, template="experiments_live.html"),
        *new.ROUTES,
        At(path="/experiments/{name}", handler=show_one, template="experiments_one.html"),
        At(path="/experiments/{name}/start", handler=before_start, template="experiments_decision.html", needs=NEEDS),
        At(method="POST", path="/experiments/{name}/start", handler=start, needs=NEEDS),
        At(path="/experiments/{name}/stop", handler=before_stop, template="experiments_decision.html", needs=NEEDS),
        At(method="POST", path="/experiments/{name}/stop", handler=stop, needs=NEEDS),
    ),
)  # fmt: skip
