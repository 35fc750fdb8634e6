"""Make and edit a campaign by a form; the first ad of a new one, and its advertiser, may be made with it."""

import secrets
from collections.abc import Sequence

from msgspec.structs import replace

from adcascade.catalog.kinds import Noun
from adcascade.catalog.nouns import Campaign
from adcascade.catalog.week import zone_of
from adcascade.console.form import Form, Trouble, Wrong, trouble
from adcascade.console.page import At, Go, Says, Visit
from adcascade.console.pages.campaigns import draft, fields, meanwhile, payers, saving
from adcascade.console.pages.campaigns.checks import trimmed
from adcascade.console.pages.campaigns.drafting import (
    Faulty,
    Known,
    draft_of,
    known_new,
    known_of,
    known_old,
    zone_name_of,
)
from adcascade.console.pages.campaigns.form_page import FormPage
from adcascade.console.pages.campaigns.meanwhile import Meanwhile, seen_in
from adcascade.console.pages.campaigns.more import first_cap, with_more
from adcascade.console.pages.campaigns.one import find, found, url_of
from adcascade.errors import ConflictError

NEW = {"status": "active", "look0_format": "product", "goal": "clicks", "billing": "click", "pacing": "even"}


# ---- handlers


def _new(form: Form, status: int = 200) -> FormPage:
    return FormPage(title="New campaign", back="/campaigns", form=form, status=status, forecast=True)


def _edit(known: Known, form: Form, version: int, status: int = 200, other: Meanwhile | None = None) -> FormPage:
    title = f"Edit {known.base.name or known.base.id}"
    return FormPage(
        title=title, back=url_of(known.base.id), form=form, version=version, status=status, meanwhile=other,
        forecast=True,
    )  # fmt: skip


async def new(visit: Visit) -> FormPage:
    """An empty form, or one filled with another campaign's texts."""
    texts = {**NEW, "id": f"c-{secrets.token_hex(4)}"}
    if visit.query.get("copy"):
        _, other = await find(visit, visit.query["copy"])
        payer = await payers.payer_of(visit, other.advertiser)
        texts |= draft.texts_of(other, zone_of(zone_name_of(payer, {}))) | {"status": "paused"}
        texts["name"] = f"{other.name or other.id} (copy)"
    elif visit.query.get("advertiser"):
        texts["advertiser"] = visit.query["advertiser"]
    texts |= first_cap(texts)
    known = await known_new(visit, texts)
    return _new(known.form(texts))


async def save_new(visit: Visit) -> FormPage | Go:
    """Into the catalog, with its first ad and advertiser where the form tells them; sent twice, it is there once."""
    values, focus = with_more(visit.form)
    known = await known_new(visit, values)
    if focus:
        return _new(known.form(values, focus=focus))
    told = draft_of(known, values)
    if isinstance(told, Faulty):
        return _new(known.form(values, told.wrong), 422)
    nouns: list[Noun] = [*([told.advertiser] if told.fresh else []), told.campaign, *told.ads]
    try:
        wrong = await saving.put(visit, nouns, saving.new_ones(nouns))
    except ConflictError as error:
        wrong = {}
        there = await visit.aside(visit.desk.inside.admin.catalog.find_campaign, told.campaign.id)
        if there != told.campaign:
            wrong = {"id": Wrong(value=error.id, expected="an id that no other has", remedy="take another")}
    if wrong:
        return _new(known.form(values, wrong), 422)
    words = "It is saved, and serves within seconds." if told.ads else "It is saved. Add an ad, so that it serves."
    return Go(to=url_of(told.campaign.id), says=Says(text=words))


async def edit(visit: Visit) -> FormPage:
    """The campaign as it is."""
    stored, campaign = await found(visit)
    known = await known_old(visit, {}, campaign.id)
    texts = draft.texts_of(campaign, zone_of(known.shape.zone))
    texts |= first_cap(texts)
    known = replace(known, shape=replace(known.shape, caps=draft.caps_in(texts) or 1))
    return _edit(known, known.form(texts), stored.version)


async def save(visit: Visit) -> FormPage | Go:
    """Into the catalog, unless somebody else changed it since the form was made: then the form comes back with both."""
    values, focus = with_more(visit.form)
    seen = seen_in(values)
    known = await known_old(visit, values, visit.path["id"])
    if focus:
        return _edit(known, known.form(values, focus=focus, version=seen), seen)
    if known.stored is None or known.stored.version != seen:
        return await _both(visit, known, seen)
    told = draft_of(known, values)
    if isinstance(told, Faulty):
        return _edit(known, known.form(values, told.wrong, version=seen), seen, 422)
    try:
        wrong = await saving.put(visit, [told.campaign], {("campaigns", known.base.id): seen})
    except ConflictError:
        return await _both(visit, await known_old(visit, values, known.base.id), seen)
    if wrong:
        return _edit(known, known.form(values, wrong, version=seen), seen, 422)
    words = (
        "Nothing was changed." if told.campaign == known.base else "The changes are saved, and served within seconds."
    )
    return Go(to=url_of(known.base.id), says=Says(text=words))


async def _both(visit: Visit, known: Known, seen: int) -> FormPage:
    """The form with what was typed, what the other changed, and the new version to save over."""
    lines = await meanwhile.since(visit, "campaigns", known.base.id, seen)
    was = meanwhile.was_of(lines, Campaign, visit.form.get("mark", ""))
    zone = zone_of(known.shape.zone)
    both: tuple[str, ...] = ()
    texts = trimmed(visit.form)
    if was is not None:
        texts, both = meanwhile.joined(visit.form, draft.texts_of(was, zone), draft.texts_of(known.base, zone))
    known = replace(known, shape=replace(known.shape, caps=draft.caps_in(texts) or 1))
    other = meanwhile.told_of(lines, known.base, both, fields.fields_of(known.shape), whole=was is not None)
    version = 0 if known.stored is None else known.stored.version
    return _edit(known, known.form(texts), version, 412, other)


async def check(visit: Visit) -> Trouble:
    """One field, and what is tied to it, as one types."""
    known = await known_of(visit)
    told = trouble(visit.path["field"], visit.form, known.checks(), known.rules())
    if visit.path["field"] == "id" and told.wrong is None:
        store = visit.desk.inside.admin.catalog
        if await visit.aside(store.find_campaign, visit.form.get("id", "").strip()) is not None:
            wrong = Wrong(value=visit.form["id"], expected="an id that no other campaign has", remedy="take another")
            return replace(told, wrong=wrong)
    return told


ROUTES: Sequence[At] = (
    At(path="/campaign-new", handler=new, template="campaign_form.html", needs="catalog:write"),
    At(method="POST", path="/campaign-new", handler=save_new, template="campaign_form.html", needs="catalog:write"),
    At(path="/campaign-edit/{id:path}", handler=edit, template="campaign_form.html", needs="catalog:write"),
    At(
        method="POST", path="/campaign-edit/{id:path}", handler=save, template="campaign_form.html",
        needs="catalog:write",
    ),
    At(
        method="POST", path="/campaign-check/{field}", handler=check, template="part_trouble.html",
        needs="catalog:write",
    ),
)  # fmt: skip
