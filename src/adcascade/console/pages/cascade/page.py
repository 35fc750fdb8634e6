"""Cascade: recent requests, how one was answered, and a test request's way through the running service.

What is recorded comes from the log (events/recent.py, cascade/resold.py). A test request (cascade/explain.py) leaves
no trace, and its time is now.
"""

import msgspec

from adcascade.cascade.explain import Explanation
from adcascade.cascade.resold import Resold
from adcascade.console.form import Form, Trouble, Wrong, read, trouble, wrong_of
from adcascade.console.page import At, Page, Visit
from adcascade.console.pages.cascade import ad_form
from adcascade.console.pages.cascade.form import CHECKS, again_of, form_of, request_of
from adcascade.console.pages.cascade.other import Other, other_of
from adcascade.console.table import Asked, Column, Table, cursor_of, place_of
from adcascade.errors import InputError
from adcascade.events.recent import FOREVER, Numbered, newest, recorded
from adcascade.events.records import AuctionRecord

SIZE = 50
TOP = 10  # ads shown per stage
COLUMNS = tuple(
    Column(name=name, label=label, number=number, sortable=False)
    for name, label, number in (
        ("time", "Time, UTC", False), ("scenario", "Scenario", False), ("query", "Query or category", False),
        ("winners", "Winners", True), ("ranked", "Ranked", True), ("ms", "Stages, ms", True),
        ("bundle", "Bundle", False), ("cuts", "Cut short", False),
    )
)  # fmt: skip


class RequestRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table."""

    id: str
    time_us: int
    scenario: str
    about: str  # query, else category of the page
    winners: int
    ranked: int
    ms: float
    bundle: str
    policy: str
    cuts: str


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the first page."""

    table: Table
    form: Form
    why: Form  # of ad.py


class Width(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of the funnel. share: of the widest stage, for its bar; fate: of the ad that is followed, "" none is."""

    name: str
    ads_in: int | None  # None: the first one, which reads the catalog
    ads_out: int
    share: float
    ms: float
    cut: str
    fate: str


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """The view of a test request: what the cascade did (None: the form is wrong), the funnel, the form to ask again."""

    told: Explanation | None
    funnel: tuple[Width, ...]
    form: Form
    currency: str
    status: int = 200


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The view of a request of the log. form: asks for the same page now."""

    record: AuctionRecord
    about: str
    stages: tuple[tuple[str, float], ...]  # name, milliseconds
    resold: Resold
    other: Other
    form: Form
    currency: str


# ---- views


def about_of(record: AuctionRecord) -> str:
    """The query, else the category of the page."""
    return str(record.seen.get("query") or record.seen.get("page_category") or "")


def row_of(record: AuctionRecord) -> RequestRow:
    """A request as a line."""
    return RequestRow(
        id=record.id, time_us=record.time_us, scenario=record.scenario, about=about_of(record),
        winners=len(record.winners), ranked=0 if record.ranked is None else len(record.ranked.ad) // 4,
        ms=sum(record.stage_us.values()) / 1e3, bundle=record.bundle, policy=record.policy,
        cuts=", ".join(record.cuts),
    )  # fmt: skip


def table_of(found: list[Numbered], asked: Asked, size: int = SIZE) -> Table:
    """The requests as a table. found: one more than a page holds, where there are more."""
    page = found[:size]
    rows: list[msgspec.Struct] = [row_of(record) for _, record in page]
    return Table(
        name="requests", caption="Newest requests", columns=COLUMNS, rows=rows, asked=asked, url="/cascade",
        rows_url="/cascade/rows", after=cursor_of(page[-1][0], "") if len(found) > size else "", total=len(rows),
        empty="The log holds no request that is younger than its sealed hours.",
    )  # fmt: skip


def before_of(after: str) -> int:
    """The seq that a page ends before; InputError where the cursor names none."""
    if not after:
        return FOREVER
    seq, _ = place_of(after)
    if not isinstance(seq, (int, float)) or not 0 < seq < FOREVER:
        raise InputError("after", after, "the end of a page of this table", "begin again without it")
    return int(seq)


def funnel_of(told: Explanation) -> tuple[Width, ...]:
    """The stages with the width of what left them, and where the followed ad was lost."""
    widest = max((max(stage.ads_in, stage.ads_out) for stage in told.stages), default=1)
    rows: list[Width] = []
    lost = told.ad is not None and told.ad.fate.startswith("may not answer")
    for stage in told.stages:
        fate = ""
        if told.ad is not None:
            fate = "gone" if lost else "lost here"
            if stage.followed is not None:
                fate = f"{stage.followed.place} of {stage.ads_out}"
            lost = stage.followed is None
        rows.append(
            Width(
                name=stage.name.replace("_", " "), ads_in=stage.ads_in if rows or stage.ads_in else None,
                ads_out=stage.ads_out,
                share=stage.ads_out / max(widest, 1), ms=stage.ms, cut=stage.cut, fate=fate,
            )
        )  # fmt: skip
    return tuple(rows)


def recorded_of(record: AuctionRecord, resold: Resold, other: Other, currency: str) -> Recorded:
    """The view of a request of the log."""
    return Recorded(
        record=record,
        about=about_of(record),
        stages=tuple((name.replace("_", " "), us / 1e3) for name, us in record.stage_us.items()),
        resold=resold,
        other=other,
        form=form_of(again_of(record)),
        currency=currency,
    )


# ---- handlers


async def show(visit: Visit) -> Recent:
    """The page."""
    return Recent(table=await rows(visit), form=form_of({"slots": "3"}), why=ad_form.form_of({"period": "day"}))


async def rows(visit: Visit) -> Table:
    """A page of requests alone."""
    asked = Asked(sort="-time", after=visit.query.get("after", ""))
    found = await visit.aside(newest, visit.desk.settings.journal_path, before_of(asked.after), SIZE + 1)
    return table_of(found, asked)


async def find(visit: Visit) -> Recorded:
    """The request whose id was typed."""
    return await _recorded(visit, visit.query.get("id", "").strip())


async def one(visit: Visit) -> Recorded:
    """A request of the list."""
    return await _recorded(visit, visit.path["id"])


async def _recorded(visit: Visit, identity: str) -> Recorded:
    desk = visit.desk
    record = await visit.aside(recorded, desk.settings.journal_path, identity)
    resold, other = desk.inside.backend.resold(record), await other_of(visit, record)
    return recorded_of(record, resold, other, desk.inside.options.currency)


async def check(visit: Visit) -> Trouble:
    """One field, as one types."""
    return trouble(visit.path["field"], visit.form, CHECKS)


async def attempt(visit: Visit) -> Tried:
    """A test request through the running service; the form comes back with what is wrong with it."""
    good, wrong = read(visit.form, CHECKS)
    if wrong:
        return _once_more(visit, wrong)
    request = request_of(good, visit.now_us)
    try:
        told = await visit.desk.inside.backend.explain(request, ad=good["ad"] or None, top=TOP)
    except InputError as error:
        return _once_more(visit, {error.field: wrong_of(error)})
    currency = visit.desk.inside.options.currency
    return Tried(told=told, funnel=funnel_of(told), form=form_of(visit.form), currency=currency)


def _once_more(visit: Visit, wrong: dict[str, Wrong]) -> Tried:
    return Tried(told=None, funnel=(), form=form_of(visit.form, wrong), currency="", status=422)


PAGE = Page(
    name="cascade", title="Cascade", path="/cascade", needs="reports:read", whole_house=True,
    routes=(
        At(path="/cascade", handler=show, template="cascade.html"),
        At(path="/cascade/rows", handler=rows, template="cascade_rows.html"),
        At(path="/cascade/request", handler=find, template="cascade_request.html"),
        At(path="/cascade/request/{id}", handler=one, template="cascade_request.html"),
        At(method="POST", path="/cascade/try", handler=attempt, template="cascade_try.html"),
        At(method="POST", path="/cascade/check/{field}", handler=check, template="part_trouble.html"),
    ),
)  # fmt: skip
