"""Drafting: from the form of a campaign that was sent to what it means, with what the catalog tells of it.

`drafted` is for who looks at a campaign before it is saved, such as a forecast.
"""

import secrets
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.pages import MOST, Filters, Stored
from adcascade.catalog.store import CatalogStore
from adcascade.catalog.week import zone_of
from adcascade.console.form import Check, Form, Rule, Wrong, read, shown
from adcascade.console.page import Visit
from adcascade.console.pages.campaigns import ad_draft, ad_fields, draft, fields, payers, rules
from adcascade.console.pages.campaigns.ad_fields import AdShape
from adcascade.console.pages.campaigns.fields import Shape
from adcascade.console.pages.campaigns.meanwhile import mark_of
from adcascade.console.pages.campaigns.one import find, url_of


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a form means: nothing of it is saved. ads: that the campaign would have; fresh: the advertiser is new."""

    campaign: Campaign
    ads: tuple[Ad, ...]
    advertiser: Advertiser
    fresh: bool = False


class Faulty(msgspec.Struct, frozen=True, kw_only=True):
    """A form that means nothing yet. wrong: by field."""

    wrong: dict[str, Wrong]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalog tells of a form that came back. stored: what is edited; None: a new campaign."""

    stored: Stored | None
    base: Campaign
    payer: Advertiser | None
    shape: Shape
    ad: AdShape

    def checks(self) -> dict[str, Check]:
        """By field."""
        if not self.shape.new:
            return rules.checks_of(self.shape, lambda _: self.base.advertiser)
        return rules.checks_of(self.shape, payers.check_of(self.payer)) | ad_fields.checks_of(self.ad)

    def rules(self) -> list[Rule]:
        """A campaign that never bid by itself may stay so."""
        bids = self.shape.new or self.base.bid_micros > 0
        return rules.rules_of(self.shape, bids=bids) + (ad_fields.rules_of(self.ad) if self.shape.new else [])

    def form(
        self, values: Mapping[str, str], wrong: dict[str, Wrong] | None = None, focus: str = "", version: int = 0
    ) -> Form:
        """The form, with these texts; version: that it is made of, where that is not the last."""
        told, groups = fields.fields_of(self.shape), fields.groups_of(self.shape)
        hidden = {}
        if self.stored is None:
            told += ad_fields.fields_of(self.ad)
            groups += ad_fields.groups_of(self.ad)
            hidden = {name: values.get(name) or secrets.token_hex(4) for name in ("payer_id", "ad_id")}
        else:
            number = str(version or self.stored.version)
            mark = values.get("mark", "") if version else mark_of(self.base)
            hidden = {"id": self.base.id, "version": number, "mark": mark}
        return Form(
            action="/campaign-new" if self.stored is None else url_of(self.base.id, "campaign-edit"),
            fields=told, groups=groups, submit="Save the campaign", values=shown(told, values), wrong=wrong or {},
            check_url="/campaign-check", hidden=hidden, focus=focus,
        )  # fmt: skip


def _currency(store: CatalogStore) -> str:
    """Of all campaigns; "" while there is none."""
    page = store.page("campaigns", limit=1)
    return next((one.noun.currency for one in page.nouns if isinstance(one.noun, Campaign)), "")


def zone_name_of(payer: Advertiser | None, values: Mapping[str, str]) -> str:
    """Whose clock counts; UTC while that is not known."""
    name = values.get("payer_zone", "") if values.get("payer_name", "").strip() else ""
    name = name.strip() or ("UTC" if payer is None else payer.timezone)
    try:
        return zone_of(name).key
    except ValueError:
        return "UTC"


async def known_new(visit: Visit, values: Mapping[str, str]) -> Known:
    """Of a form of a new campaign."""
    payer = await payers.payer_of(visit, values.get("advertiser", ""))
    currency = await visit.aside(_currency, visit.desk.inside.admin.catalog)
    shape = Shape(
        new=True, payer=visit.key is not None and not visit.key.advertisers, payers=await payers.some(visit),
        now_us=visit.now_us, currency=currency, zone=zone_name_of(payer, values), caps=draft.caps_in(values) or 1,
    )  # fmt: skip
    return Known(
        stored=None, base=Campaign(id="", advertiser="", currency=currency or "USD"), payer=payer, shape=shape,
        ad=AdShape(own=False, looks=ad_draft.looks_in(values) or 1),
    )  # fmt: skip


async def known_old(visit: Visit, values: Mapping[str, str], campaign_id: str) -> Known:
    """Of a form of a campaign that is there; RefusalError 404 where the visitor sees none."""
    stored, base = await find(visit, campaign_id)
    payer = await visit.aside(visit.desk.inside.admin.catalog.find_advertiser, base.advertiser)
    shape = Shape(
        new=False, currency=base.currency, zone=zone_name_of(payer, {}), caps=draft.caps_in(values) or 1,
    )  # fmt: skip
    return Known(stored=stored, base=base, payer=payer, shape=shape, ad=AdShape(own=False, looks=0))


async def known_of(visit: Visit) -> Known:
    """Of whichever form came back."""
    if visit.form.get("version"):
        return await known_old(visit, visit.form, visit.form.get("id", ""))
    return await known_new(visit, visit.form)


def draft_of(known: Known, values: Mapping[str, str]) -> Draft | Faulty:
    """What a form means."""
    good, wrong = read(values, known.checks(), known.rules())
    if wrong:
        return Faulty(wrong=wrong)
    fresh = known.shape.new and bool(good["payer_name"])
    if fresh:
        payer = Advertiser(
            id=values.get("payer_id") or secrets.token_hex(4), name=good["payer_name"], timezone=good["payer_zone"]
        )
    else:
        payer = known.payer or Advertiser(id=known.base.advertiser)
    if not known.shape.new:
        kept = draft.kept_of(values, draft.texts_of(known.base, zone_of(known.shape.zone)))
        return Draft(campaign=draft.campaign_of(good, known.base, kept), ads=(), advertiser=payer)
    base = replace(known.base, id=good["id"], currency=good["currency"] or known.base.currency)
    campaign = draft.campaign_of({**good, "advertiser": payer.id}, base)
    ads: tuple[Ad, ...] = ()
    if good["ad_title"]:
        ad = Ad(id=values.get("ad_id") or secrets.token_hex(4), campaign=campaign.id)
        ads = (ad_draft.ad_of({**good, "ad_status": "active"}, ad, values),)
    return Draft(campaign=campaign, ads=ads, advertiser=payer, fresh=fresh)


async def drafted(visit: Visit) -> Draft | Faulty:
    """What the form that was sent means, with the ads that the campaign has or gets; for a forecast."""
    known = await known_of(visit)
    told = draft_of(known, visit.form)
    if isinstance(told, Faulty) or known.stored is None:
        return told
    store, mine = visit.desk.inside.admin.catalog, Filters(campaign=known.base.id)
    page = await visit.aside(store.page, "ads", filters=mine, limit=MOST)
    return replace(told, ads=tuple(one.noun for one in page.nouns if isinstance(one.noun, Ad)))
