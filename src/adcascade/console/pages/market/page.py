"""Market: run the simulator with dials, and watch the policies beside the one that knows the truth.

A run is a process of its own beside the server (console/market_runs.py) and touches nothing of the installation but its
folder. The folder's name may be any, so what is no run stands beside `/market/`, never below it. Viewers look;
administrators, who answer for the machine, start, stop and delete.
"""

import msgspec

from adcascade.closedloop.market_order import Order
from adcascade.closedloop.world import FILE, continued
from adcascade.console.form import Choice, Form, Trouble
from adcascade.console.market_runs import Run
from adcascade.console.page import At, Download, Go, Page, Says, Visit
from adcascade.console.pages.market import views
from adcascade.console.pages.market.form import MarketForm, checked, form_of, ordered, own_form, own_ticks, values_of
from adcascade.console.table import Table, asked_of
from adcascade.console.words import moment
from adcascade.errors import DataMissingError
from adcascade.server.problems import RefusalError

OFFERED = 50  # other runs, to be shown beside one


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page. alive: the run that goes on; may: the visitor starts runs; off: the settings forbid runs;
    own: where the installation is a simulated market itself; trouble: why none was started."""

    table: Table
    form: MarketForm
    alive: str
    may: bool
    off: bool
    own: Form | None = None
    trouble: str = ""
    status: int = 200


class OneRun(msgspec.Struct, frozen=True, kw_only=True):
    """The view of one run. others: to be shown beside it; beside: the chosen one."""

    run: views.Shown
    may: bool
    others: tuple[Choice, ...] = ()
    beside: str = ""
    pairs: tuple[views.Pair, ...] = ()


def _page(visit: Visit, form: MarketForm, status: int = 200, trouble: str = "", own: Form | None = None) -> Market:
    alive = visit.desk.market.alive()
    simulated = (visit.desk.settings.directory / FILE).exists()
    return Market(
        table=_table(visit), form=form, alive="" if alive is None else alive.id, may=visit.allows("keys:write"),
        off=not visit.desk.settings.console.market_runs, own=(own or own_form()) if simulated else None,
        trouble=trouble, status=status,
    )  # fmt: skip


def _table(visit: Visit) -> Table:
    return views.table_of(visit.desk.market.all(), asked_of(visit.query, views.COLUMNS, "-started"))


def _like(visit: Visit) -> MarketForm:
    """The form, turned as the run that the address names."""
    like = visit.query.get("like", "")
    order = visit.desk.market.read(like).order if like else None
    return form_of() if order is None else form_of(values_of(order))


def _others(runs: list[Run], run_id: str) -> tuple[Choice, ...]:
    found = [run for run in runs if run.result is not None and run.id != run_id and run.order is not None]
    return tuple(
        Choice(
            run.id, f"{moment(run.started.time_us) if run.started.by else run.id}: {views.dials_text(run.order)}"[:90]
        )
        for run in found[:OFFERED]
        if run.order is not None
    )


def _shown(visit: Visit) -> views.Shown:
    run = visit.desk.market.read(visit.path["id"])
    return views.shown_of(run, f"{visit.desk.market.folder.name}/{run.id}-again")


def _one(visit: Visit) -> OneRun:
    market, run_id, beside = visit.desk.market, visit.path["id"], visit.query.get("with", "")
    run = market.read(run_id)
    pairs = views.pairs_of(run, market.read(beside)) if beside else ()
    return OneRun(
        run=views.shown_of(run, f"{market.folder.name}/{run_id}-again"), may=visit.allows("keys:write"),
        others=_others(market.all(), run_id), beside=beside, pairs=pairs,
    )  # fmt: skip


# ---- handlers


async def show(visit: Visit) -> Market:
    """The page."""
    return await visit.aside(lambda: _page(visit, _like(visit)))


async def rows(visit: Visit) -> Table:
    """The table alone."""
    return await visit.aside(_table, visit)


async def check(visit: Visit) -> Trouble:
    """One field, as one types."""
    return checked(visit.path["field"], visit.form)


async def start(visit: Visit) -> Market | Go:
    """A run, from now."""
    _allowed(visit)
    order, wrong = ordered(visit.form)
    if order is None:
        return await visit.aside(_page, visit, form_of(visit.form, wrong), 422)
    return await _begun(visit, order, form_of(visit.form))


async def start_own(visit: Visit) -> Market | Go:
    """A run of the installation's own market, from now."""
    _allowed(visit)
    ticks, wrong = own_ticks(visit.form)
    if wrong:
        return await visit.aside(_page, visit, form_of(), 422, "", own_form(visit.form, wrong))
    try:
        order = await visit.aside(continued, visit.desk.settings.directory, ticks)
    except DataMissingError as error:
        raise RefusalError(404, "market.json", "", "an installation that is a simulated market", str(error)) from error
    return await _begun(visit, order, form_of())


def _allowed(visit: Visit) -> None:
    if not visit.desk.settings.console.market_runs:
        raise RefusalError(403, "run", "", "a server that runs the market", "set console.market_runs = true")


async def _begun(visit: Visit, order: Order, form: MarketForm) -> Market | Go:
    try:
        run_id = await visit.aside(visit.desk.market.start, order, by=visit.by, now_us=visit.now_us)
    except RefusalError as error:
        trouble = f"Nothing was started: expected {error.expected}; {error.remedy}"
        return await visit.aside(_page, visit, form, error.status, trouble)
    return Go(to=f"/market/{run_id}")


async def show_one(visit: Visit) -> OneRun:
    """One run."""
    return await visit.aside(_one, visit)


async def now(visit: Visit) -> OneRun:
    """What changes of it, as far as it has got."""
    return OneRun(run=await visit.aside(_shown, visit), may=visit.allows("keys:write"))


async def result(visit: Visit) -> Download:
    """What it found, as a file."""
    run = await visit.aside(visit.desk.market.read, visit.path["id"])
    if run.result is None:
        raise RefusalError(404, "run", run.id, "a run with a result", "wait for its end")
    content = msgspec.json.format(msgspec.json.encode(run.result))
    return Download(content=content, type="application/json", name=f"market-{run.id}.json")


async def stop(visit: Visit) -> Go:
    """Its process ends; what it found so far stays."""
    run_id = visit.path["id"]
    await visit.aside(visit.desk.market.stop, run_id, by=visit.by)
    return Go(to=f"/market/{run_id}", says=Says(text="The run is stopped."))


async def decide(visit: Visit) -> OneRun:
    """A second look, before a run is deleted."""
    return OneRun(run=await visit.aside(_shown, visit), may=True)


async def delete(visit: Visit) -> Go:
    """All its files."""
    await visit.aside(visit.desk.market.delete, visit.path["id"])
    return Go(to="/market", says=Says(text="The run is deleted."))


PAGE = Page(
    name="market",
    title="Market",
    path="/market",
    needs="reports:read",
    whole_house=True,  # what runs beside the requests is everybody's concern
    routes=(
        At(path="/market", handler=show, template="market.html"),
        At(method="POST", path="/market", handler=start, template="market.html", needs="keys:write"),
        At(method="POST", path="/market-own", handler=start_own, template="market.html", needs="keys:write"),
        At(path="/market-rows", handler=rows, template="market_rows.html"),
        At(method="POST", path="/market-check/{field}", handler=check, template="part_trouble.html"),
        At(path="/market/{id}", handler=show_one, template="market_run.html"),
        At(path="/market/{id}/now", handler=now, template="market_live.html"),
        At(path="/market/{id}/result.json", handler=result),
        At(path="/market/{id}/delete", handler=decide, template="market_delete.html", needs="keys:write"),
        At(method="POST", path="/market/{id}/delete", handler=delete, needs="keys:write"),
        At(method="POST", path="/market/{id}/stop", handler=stop, needs="keys:write"),
    ),
)
