"""Make, edit and pause one ad; its creatives are edited with it."""

import secrets
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from adcascade.catalog.audit import Author
from adcascade.catalog.nouns import Ad, Campaign
from adcascade.catalog.pages import Stored
from adcascade.console.form import Check, Form, Rule, Trouble, Wrong, read, shown, trouble
from adcascade.console.page import At, Go, Says, Visit
from adcascade.console.pages.campaigns import ad_draft, ad_fields, draft, meanwhile, saving
from adcascade.console.pages.campaigns.ad_fields import AdShape
from adcascade.console.pages.campaigns.checks import trimmed
from adcascade.console.pages.campaigns.form_page import FormPage
from adcascade.console.pages.campaigns.meanwhile import Meanwhile, mark_of, seen_in
from adcascade.console.pages.campaigns.more import with_more
from adcascade.console.pages.campaigns.one import find, url_of
from adcascade.console.pages.campaigns.switching import DONE, status_of
from adcascade.errors import ConflictError
from adcascade.server.problems import RefusalError

NEW = {"ad_status": "active", "look0_format": "product"}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalog tells of a form that came back. stored: the ad that is edited; None: a new one."""

    stored: Stored | None
    base: Ad
    campaign: Campaign
    shape: AdShape

    def checks(self) -> dict[str, Check]:
        """By field."""
        return ad_fields.checks_of(self.shape)

    def rules(self) -> list[Rule]:
        """Its own."""
        return ad_fields.rules_of(self.shape)

    def view(
        self, values: Mapping[str, str], wrong: dict[str, Wrong] | None = None, *,
        status: int = 200, version: int = 0, focus: str = "", other: Meanwhile | None = None,
    ) -> FormPage:  # fmt: skip
        """The page with these texts; version: that the form is made of, where that is not the last."""
        ids = ad_draft.look_ids(values, self.shape.looks)
        hidden = {f"look{i}_id": look_id for i, look_id in enumerate(ids)} | {"campaign": self.campaign.id}
        if self.stored is not None:
            version = version or self.stored.version
            mark = mark_of(self.base) if version == self.stored.version else values.get("mark", "")
            hidden |= {"ad": self.base.id, "version": str(version), "mark": mark}
        told = ad_fields.fields_of(self.shape)
        new = self.stored is None
        form = Form(
            action=url_of(self.campaign.id, "campaign-ad-new") if new else url_of(self.base.id, "ad-edit"), fields=told,
            groups=ad_fields.groups_of(self.shape), submit="Save the ad", values=shown(told, values), wrong=wrong or {},
            check_url="/ad-check", hidden=hidden, focus=focus,
        )  # fmt: skip
        name = (
            f"New ad of {self.campaign.name or self.campaign.id}" if new else f"Edit {self.base.title or self.base.id}"
        )
        return FormPage(
            title=name, back=url_of(self.campaign.id), form=form,
            version=version, status=status, meanwhile=other,
        )  # fmt: skip


async def known_new(visit: Visit, values: Mapping[str, str], campaign_id: str) -> Known:
    """Of a form of a new ad; RefusalError 404 where the visitor sees no such campaign."""
    _, campaign = await find(visit, campaign_id)
    return Known(
        stored=None,
        base=Ad(id="", campaign=campaign.id),
        campaign=campaign,
        shape=AdShape(looks=ad_draft.looks_in(values) or 1),
    )


async def known_old(visit: Visit, values: Mapping[str, str], ad_id: str) -> Known:
    """Of a form of an ad that is there; RefusalError 404 where the visitor sees none."""
    stored = await visit.aside(visit.desk.inside.admin.catalog.find, "ads", ad_id)
    if stored is None or not isinstance(stored.noun, Ad):
        raise RefusalError(404, "id", ad_id, "the id of an ad", "the page of its campaign lists them")
    _, campaign = await find(visit, stored.noun.campaign)
    shape = AdShape(ad=stored.noun, looks=ad_draft.looks_in(values or ad_draft.texts_of(stored.noun)) or 1)
    return Known(stored=stored, base=stored.noun, campaign=campaign, shape=shape)


def ad_of(known: Known, values: Mapping[str, str]) -> tuple[Ad | None, dict[str, Wrong]]:
    """The ad that a form means, or what is wrong."""
    good, wrong = read(values, known.checks(), known.rules())
    if wrong:
        return None, wrong
    if known.stored is None:
        return ad_draft.ad_of(good, replace(known.base, id=good["ad_id"]), values), {}
    kept = draft.kept_of(values, ad_draft.texts_of(known.base))
    return ad_draft.ad_of(good, known.base, values, kept), {}


# ---- handlers


async def new(visit: Visit) -> FormPage:
    """An empty form."""
    known = await known_new(visit, {}, visit.path["campaign"])
    return known.view({**NEW, "ad_id": f"a-{secrets.token_hex(4)}"})


async def save_new(visit: Visit) -> FormPage | Go:
    """Into the catalog; sent twice, it is there once."""
    values, focus = with_more(visit.form)
    known = await known_new(visit, values, visit.path["campaign"])
    if focus:
        return known.view(values, focus=focus)
    ad, wrong = ad_of(known, values)
    if ad is None:
        return known.view(values, wrong, status=422)
    try:
        wrong = await saving.put(visit, [ad], saving.new_ones([ad]))
    except ConflictError:
        if await visit.aside(visit.desk.inside.admin.catalog.find_ad, ad.id) != ad:
            wrong = {"ad_id": Wrong(value=ad.id, expected="an id that no other ad has", remedy="take another")}
    if wrong:
        return known.view(values, wrong, status=422)
    return Go(to=url_of(ad.campaign), says=Says(text=f"The ad {ad.title} is saved, and serves within seconds."))


async def edit(visit: Visit) -> FormPage:
    """The ad as it is."""
    known = await known_old(visit, {}, visit.path["id"])
    return known.view({"look0_format": "", **ad_draft.texts_of(known.base)})


async def save(visit: Visit) -> FormPage | Go:
    """Into the catalog, unless somebody else changed it since the form was made: then the form comes back with both."""
    values, focus = with_more(visit.form)
    seen = seen_in(values)
    known = await known_old(visit, values, visit.path["id"])
    if focus:
        return known.view(values, focus=focus, version=seen)
    if known.stored is None or known.stored.version != seen:
        return await _both(visit, known, seen)
    ad, wrong = ad_of(known, values)
    if ad is None:
        return known.view(values, wrong, status=422, version=seen)
    try:
        wrong = await saving.put(visit, [ad], {("ads", ad.id): seen})
    except ConflictError:
        return await _both(visit, await known_old(visit, values, ad.id), seen)
    if wrong:
        return known.view(values, wrong, status=422, version=seen)
    words = "Nothing was changed." if ad == known.base else f"The ad {ad.title or ad.id} is saved."
    return Go(to=url_of(ad.campaign), says=Says(text=words))


async def _both(visit: Visit, known: Known, seen: int) -> FormPage:
    """The form with what was typed, what the other changed, and the new version to save over."""
    lines = await meanwhile.since(visit, "ads", known.base.id, seen)
    was = meanwhile.was_of(lines, Ad, visit.form.get("mark", ""))
    both: tuple[str, ...] = ()
    texts = trimmed(visit.form)
    if was is not None:
        texts, both = meanwhile.joined(visit.form, ad_draft.texts_of(was), ad_draft.texts_of(known.base))
    known = replace(known, shape=replace(known.shape, looks=ad_draft.looks_in(texts) or 1))
    told = meanwhile.told_of(lines, known.campaign, both, ad_fields.fields_of(known.shape), whole=was is not None)
    return known.view(texts, status=412, other=told)


async def check(visit: Visit) -> Trouble:
    """One field, and what is tied to it, as one types."""
    form, field = visit.form, visit.path["field"]
    old = form.get("ad", "")
    known = await known_old(visit, form, old) if old else await known_new(visit, form, form.get("campaign", ""))
    told = trouble(field, form, known.checks(), known.rules())
    if field == "ad_id" and told.wrong is None:
        store = visit.desk.inside.admin.catalog
        if await visit.aside(store.find_ad, form.get("ad_id", "").strip()) is not None:
            return replace(told, wrong=Wrong(value=form["ad_id"], expected="an id that no other ad has"))
    return told


async def switch(visit: Visit) -> Go:
    """Pause or resume one ad as it was shown; a word where somebody else changed it meanwhile."""
    status, seen = status_of(visit.form.get("status", "")), seen_in(visit.form)
    known = await known_old(visit, {}, visit.form.get("ad", ""))
    to, name = url_of(known.campaign.id), known.base.title or known.base.id
    author = Author(who=visit.by, time_us=visit.now_us)
    try:
        await visit.aside(
            visit.desk.inside.admin.catalog.set_status, status, ads=[known.base.id],
            if_version={("ads", known.base.id): seen}, author=author,
        )  # fmt: skip
    except ConflictError:
        return Go(
            to=to, says=Says(text=f"Somebody else changed the ad {name} meanwhile; look at it again.", tone="bad")
        )
    return Go(to=to, says=Says(text=f"{DONE[status]} the ad {name}."))


ROUTES: Sequence[At] = (
    At(path="/campaign-ad-new/{campaign:path}", handler=new, template="campaign_form.html", needs="catalog:write"),
    At(
        method="POST", path="/campaign-ad-new/{campaign:path}", handler=save_new, template="campaign_form.html",
        needs="catalog:write",
    ),
    At(path="/ad-edit/{id:path}", handler=edit, template="campaign_form.html", needs="catalog:write"),
    At(method="POST", path="/ad-edit/{id:path}", handler=save, template="campaign_form.html", needs="catalog:write"),
    At(method="POST", path="/ad-check/{field}", handler=check, template="part_trouble.html", needs="catalog:write"),
    At(method="POST", path="/ad-status", handler=switch, needs="catalog:write"),
)  # fmt: skip
