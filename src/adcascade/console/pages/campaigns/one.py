"""One campaign: what it is in words, what it spent today, its ads with their creatives, and who changed what."""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from adcascade.catalog.audit import AuditLine
from adcascade.catalog.field_changes import field_changes
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative, Status
from adcascade.catalog.pages import Filters, Page, Stored
from adcascade.console.page import At, Visit
from adcascade.console.pages.campaigns.ad_fields import preview_of
from adcascade.console.pages.campaigns.words import (
    Fact,
    facts_of,
    field_words,
    state_of,
    targets_of,
    value_words,
)
from adcascade.console.spending import Spent, spent
from adcascade.console.words import moment, money
from adcascade.errors import InputError
from adcascade.server.admin.owners import Owners
from adcascade.server.problems import RefusalError

ADS, LINES = 20, 20  # of a page


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A creative. address: of its picture or film, "" where it has none, or holds the picture itself."""

    kind: str
    words: str
    address: str
    preview: str


class AdRow(msgspec.Struct, frozen=True, kw_only=True):
    """An ad, with its creatives."""

    id: str
    title: str
    status: Status
    bid: str
    price: str
    stock: str
    version: int
    looks: tuple[Look, ...]


class Ads(msgspec.Struct, frozen=True, kw_only=True):
    """A page of ads. after: what the next one begins behind, "" where this is the last."""

    campaign: str
    rows: tuple[AdRow, ...]
    after: str
    writes: bool


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field that somebody changed; of one write, only the first tells when, who and what."""

    when: str
    who: str
    what: str
    field: str
    before: str
    after: str


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Some changes, newest first. before: the number of the last one; 0: that is all."""

    campaign: str
    rows: tuple[Change, ...]
    before: int


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Spend in words. share: of the daily budget; None: it has none, or nothing is known."""

    today: str
    ever: str
    share: float | None


class OneCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page. condition: the campaign's status, since a view's `status` is the answer's."""

    id: str
    name: str
    version: int
    condition: Status
    state: str
    advertiser: str
    advertiser_id: str
    money: Money
    facts: tuple[Fact, ...]
    targets: tuple[Fact, ...]
    ads: Ads
    count: int
    history: History
    writes: bool


def look_of(creative: Creative, ad: str) -> Look:
    """Format, size and words. ad: id of its ad."""
    size = f" {creative.width} × {creative.height}" if creative.width and creative.height else ""
    words = " · ".join(part for part in (creative.title, creative.text, creative.call_to_action) if part)
    address = creative.image_url or creative.video_url or creative.vast_url
    return Look(
        kind=f"{creative.format}{size}", words=words or creative.id,
        address=address if address.startswith(("http://", "https://")) else "", preview=preview_of(ad, creative.id),
    )  # fmt: skip


def ads_of(page: Page, campaign: Campaign, *, writes: bool) -> Ads:
    """The ads of a page of the catalog. writes: whether the visitor may edit and pause them."""
    rows = [
        AdRow(
            id=ad.id, title=ad.title or ad.id, status=ad.status,
            bid="the campaign's" if ad.bid_micros is None else money(ad.bid_micros, campaign.currency),
            price=money(ad.price_micros or None, campaign.currency),
            stock="not counted" if ad.stock is None else f"{ad.stock:,}",
            version=version, looks=tuple(look_of(creative, ad.id) for creative in ad.creatives),
        )
        for ad, version in ((stored.noun, stored.version) for stored in page.nouns) if isinstance(ad, Ad)
    ]  # fmt: skip
    return Ads(campaign=campaign.id, rows=tuple(rows), after=page.next, writes=writes)


def history_of(lines: Sequence[AuditLine], campaign: Campaign, limit: int) -> History:
    """The lines' fields; `lines` may be one more than `limit`, which tells that there are more."""
    rows: list[Change] = []
    for line in lines[:limit]:
        told = {"when": moment(line.time_us), "who": line.who.removeprefix("key:"), "what": line.action}
        for change in field_changes(line):
            before = "" if line.before is None else value_words(change.field, change.before, campaign.currency)
            after = value_words(change.field, change.after, campaign.currency)
            rows.append(Change(**told, field=field_words(change.field), before=before, after=after))
            told = dict.fromkeys(told, "")
    return History(campaign=campaign.id, rows=tuple(rows), before=lines[limit - 1].number if len(lines) > limit else 0)


def money_of(campaign: Campaign, told: Spent | None) -> Money:
    """What was spent. told: None where it is not known."""
    today, ever = (None, None) if told is None else (told.today, told.ever)
    budget = campaign.daily_budget_micros
    return Money(
        today=money(today, campaign.currency), ever=money(ever, campaign.currency),
        share=today / budget if budget and today is not None else None,
    )  # fmt: skip


def url_of(campaign: str, page: str = "campaigns") -> str:
    """Where a campaign, or its form, stands, whatever characters its id has."""
    return f"/{page}/{quote(campaign, safe='')}"


async def found(visit: Visit) -> tuple[Stored, Campaign]:
    """The campaign that the path names."""
    return await find(visit, visit.path["id"])


async def find(visit: Visit, noun_id: str) -> tuple[Stored, Campaign]:
    """The campaign of an id; RefusalError 404: a foreign one is as good as absent."""
    store = visit.desk.inside.admin.catalog
    stored = await visit.aside(store.find, "campaigns", noun_id)
    absent = RefusalError(404, "id", noun_id, "the id of a campaign", "the page of campaigns lists them")
    if stored is None or not isinstance(stored.noun, Campaign):
        raise absent
    if visit.key is not None and not await Owners(store).sees(visit.key, stored.noun):
        raise absent
    return stored, stored.noun


async def _ads(visit: Visit, campaign: Campaign, *, count: bool = False) -> Page:
    store = visit.desk.inside.admin.catalog
    return await visit.aside(
        store.page, "ads", filters=Filters(campaign=campaign.id), sort="name", after=visit.query.get("after", ""),
        limit=ADS, count=count,
    )  # fmt: skip


async def _history(visit: Visit, campaign: Campaign, before: int | None) -> History:
    store = visit.desk.inside.admin.catalog
    lines = await visit.aside(store.last_changes, "campaigns", campaign.id, before=before, limit=LINES + 1)
    return history_of(lines, campaign, LINES)


async def ads(visit: Visit) -> Ads:
    """The next page of its ads."""
    _, campaign = await found(visit)
    return ads_of(await _ads(visit, campaign), campaign, writes=visit.allows("catalog:write"))


async def history(visit: Visit) -> History:
    """The changes before a number of the log."""
    text = visit.query.get("before", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InputError("before", text, "a number of the audit log", "load the page again")
    _, campaign = await found(visit)
    return await _history(visit, campaign, int(text))


async def show(visit: Visit) -> OneCampaign:
    """The page."""
    stored, campaign = await found(visit)
    inside = visit.desk.inside.admin
    payer = await visit.aside(inside.catalog.find_advertiser, campaign.advertiser)
    advertiser = payer or Advertiser(id=campaign.advertiser)
    told = await visit.aside(spent, inside.books, campaign, visit.now_us) if visit.allows("money:read") else None
    page = await _ads(visit, campaign, count=True)
    writes = visit.allows("catalog:write")
    return OneCampaign(
        id=campaign.id, name=campaign.name or campaign.id, version=stored.version, condition=campaign.status,
        state=state_of(campaign, visit.now_us), advertiser=advertiser.name or advertiser.id,
        advertiser_id=advertiser.id, money=money_of(campaign, told),
        facts=tuple(facts_of(campaign, advertiser.timezone)), targets=tuple(targets_of(campaign.targeting)),
        ads=ads_of(page, campaign, writes=writes), count=page.total or 0, history=await _history(visit, campaign, None),
        writes=writes,
    )  # fmt: skip


ROUTES = (
    At(path="/campaigns/{id:path}", handler=show, template="campaign.html"),
    At(path="/campaign-ads/{id:path}", handler=ads, template="campaign_ads_rows.html"),
    At(path="/campaign-history/{id:path}", handler=history, template="campaign_history_rows.html"),
)
