"""The list of campaigns: search, filters, sorting, pages straight from the catalog; rows to be ticked by managers."""

from collections.abc import Mapping, Sequence
from typing import cast, get_args

import msgspec

from adcascade.catalog.campaign_list import CampaignPage, Listed, Order, Wanted
from adcascade.catalog.nouns import Advertiser, Status
from adcascade.catalog.store import CatalogStore
from adcascade.console.form import Choice
from adcascade.console.page import At, Visit
from adcascade.console.pages.campaigns.words import bid_of, state_of, status_words
from adcascade.console.spending import spent_today
from adcascade.console.table import SIZE, Asked, Column, Table, asked_of, cursor_of, place_of
from adcascade.console.words import UNKNOWN, moment, money
from adcascade.errors import InputError

COLUMNS = (
    Column(name="name", label="Campaign"),
    Column(name="advertiser", label="Advertiser"),
    Column(name="status", label="Status"),
    Column(name="bid", label="Bid", number=True, sortable=False),
    Column(name="budget", label="Daily budget", number=True, sortable=False),
    Column(name="spent", label="Spent today", number=True, sortable=False),
    Column(name="changed", label="Changed, UTC", number=True),
)
FILTERS = ("status", "advertiser")
CHOSEN_FROM = 200  # advertisers; those of more are found by their rows and by the search
STATUSES = tuple(Choice(status, status_words(status)) for status in get_args(Status))


class CampaignRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table. version: of the campaign as it is shown."""

    id: str
    name: str
    version: int
    advertiser: str
    advertiser_id: str
    status: Status
    state: str
    bid: str
    budget: str
    spent: str
    changed: str


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """The table. back: its address, to come back to; writes: whether the visitor may pause and resume."""

    table: Table
    back: str
    writes: bool


class Campaigns(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page."""

    rows: Rows
    statuses: tuple[Choice, ...]
    advertisers: tuple[Choice, ...]


def asked(query: Mapping[str, str]) -> Asked:
    """What the address asks for; InputError where it names no column or no status."""
    told = asked_of(query, COLUMNS, "name", FILTERS)
    status = told.filters.get("status", "")
    if status and status not in get_args(Status):
        raise InputError("status", status, " or ".join(get_args(Status)), "leave it out for all")
    return told


def wanted_of(told: Asked, sees: Sequence[str]) -> Wanted:
    """As the catalog is asked. sees: the only advertisers that the visitor may see; none: all."""
    return Wanted(
        words=tuple(told.search.split()),
        status=cast("Status", told.filters.get("status", "")),
        advertiser=told.filters.get("advertiser", ""),
        sees=tuple(sees),
    )


def row_of(listed: Listed, spent: int | None, now_us: int) -> CampaignRow:
    """A line, in words. spent: micros; None: not known."""
    campaign, advertiser = listed.campaign, listed.advertiser
    budget = campaign.daily_budget_micros
    return CampaignRow(
        id=campaign.id, name=campaign.name or campaign.id, version=listed.version,
        advertiser=advertiser.name or advertiser.id, advertiser_id=advertiser.id,
        status=campaign.status, state=state_of(campaign, now_us), bid=bid_of(campaign),
        budget="no limit" if budget is None else money(budget, campaign.currency),
        spent=UNKNOWN if spent is None else money(spent, campaign.currency),
        changed=moment(listed.changed_us),
    )  # fmt: skip


def view_of(page: CampaignPage, told: Asked, spent: Mapping[str, int], now_us: int, *, writes: bool) -> Rows:
    """The table of a page of the catalog. spent: micros today by campaign, as far as they are known."""
    rows: list[msgspec.Struct] = [row_of(one, spent.get(one.campaign.id), now_us) for one in page.rows]
    table = Table(
        name="campaigns", caption="Campaigns", columns=COLUMNS, rows=rows, asked=told, url="/campaigns",
        rows_url="/campaign-rows", after="" if page.after is None else cursor_of(*page.after), total=page.total,
        empty="No campaign is like that.",
    )  # fmt: skip
    return Rows(table=table, back=told.link("/campaigns"), writes=writes)


def choices_of(advertisers: Sequence[Advertiser], chosen: str) -> tuple[Choice, ...]:
    """To filter by, by name; the chosen one is always among them."""
    names = {one.id: one.name or one.id for one in advertisers}
    names |= {chosen: names.get(chosen, chosen)} if chosen else {}
    ordered = sorted(names.items(), key=lambda item: (item[1].casefold(), item[0]))
    return tuple(Choice(advertiser, name) for advertiser, name in ordered)


async def rows(visit: Visit) -> Rows:
    """The table alone."""
    told, store = asked(visit.query), visit.desk.inside.admin.catalog
    sees = () if visit.key is None else visit.key.advertisers
    order = cast("Order", told.sort.removeprefix("-"))
    after = place_of(told.after) if told.after else None
    page = await visit.aside(
        store.list_campaigns, wanted_of(told, sees), order, down=told.sort.startswith("-"), after=after, limit=SIZE
    )
    spent: dict[str, int] = {}
    if visit.allows("money:read"):
        books = visit.desk.inside.admin.books
        spent = await visit.aside(spent_today, books, [one.campaign for one in page.rows], visit.now_us)
    return view_of(page, told, spent, visit.now_us, writes=visit.allows("catalog:write"))


def _advertisers(store: CatalogStore, sees: Sequence[str]) -> list[Advertiser]:
    if sees:
        found = list(store.find_many("advertisers", sees).values())
    else:
        found = store.page("advertisers", sort="name", limit=CHOSEN_FROM).nouns
    return [one.noun for one in found if isinstance(one.noun, Advertiser)]


async def show(visit: Visit) -> Campaigns:
    """The page."""
    shown = await rows(visit)
    sees = () if visit.key is None else visit.key.advertisers
    advertisers = await visit.aside(_advertisers, visit.desk.inside.admin.catalog, sees)
    chosen = shown.table.asked.filters.get("advertiser", "")
    return Campaigns(rows=shown, statuses=STATUSES, advertisers=choices_of(advertisers, chosen))


ROUTES = (
    At(path="/campaigns", handler=show, template="campaigns.html"),
    At(path="/campaign-rows", handler=rows, template="campaigns_rows.html"),
)
