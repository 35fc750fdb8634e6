"""Previews of creatives in a frame: one that is saved, or one as it is typed; see `preview.py` for the document."""

from adcascade.catalog.nouns import Ad
from adcascade.console.form import read
from adcascade.console.page import At, Sheet, Visit
from adcascade.console.pages.campaigns import ad_draft, ad_fields, checks
from adcascade.console.pages.campaigns.one import find
from adcascade.console.pages.campaigns.preview import sheet_of, sorry
from adcascade.console.words import money
from adcascade.errors import InputError
from adcascade.server.problems import RefusalError


async def saved(visit: Visit) -> Sheet:
    """A creative of an ad of the catalog."""
    ad_id, look_id = visit.query.get("ad", ""), visit.query.get("look", "")
    ad = await visit.aside(visit.desk.inside.admin.catalog.find_ad, ad_id)
    if ad is None:
        raise RefusalError(404, "ad", ad_id, "the id of an ad")
    _, campaign = await find(visit, ad.campaign)
    creative = next((one for one in ad.creatives if one.id == look_id), None)
    if creative is None:
        raise RefusalError(404, "look", look_id, "the id of a creative of the ad")
    return sheet_of(creative, ad, money(ad.price_micros, campaign.currency) if ad.price_micros else "")


async def typed(visit: Visit) -> Sheet:
    """A creative as a form tells it; nothing is saved."""
    text = visit.path["number"]
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise InputError("number", text, "the number of a creative of the form")
    number = int(text)
    good, wrong = read(visit.form, ad_fields.look_checks(number))
    if wrong:
        return sorry("There is something to mend in these fields first.")
    if not good[f"look{number}_format"]:
        return sorry("No creative: choose a format.")
    head, _ = read(visit.form, {"ad_title": checks.line, "ad_price": checks.money})
    creative = ad_draft.creative_of(good, number, "preview")
    ad = Ad(id="preview", campaign="", title=head.get("ad_title", ""))
    return sheet_of(creative, ad, money(head["ad_price"]) if head.get("ad_price") else "")


ROUTES = (
    At(path="/creative-preview/saved.html", handler=saved),
    At(method="POST", path="/creative-preview/{number}", handler=typed, needs="catalog:write"),
)
