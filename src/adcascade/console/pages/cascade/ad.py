"""Why was my ad not shown? One ad over a period, by what the log holds, and asked again of the running service.

Seen by keys of single advertisers too, for their own ads: the counts, and nobody else's ads or requests.
"""

import msgspec

from adcascade.console.form import Form, Wrong, wrong_of
from adcascade.console.page import At, Page, Visit
from adcascade.console.pages.cascade.ad_form import URL, asked_of, form_of, link_of, values_of
from adcascade.console.pages.cascade.ad_views import Answered, answered_of
from adcascade.errors import BusyError, InputError
from adcascade.server.admin.owners import Owners


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The view. told: None where nothing is asked, or wrongly. whole_house: the visitor may open requests; currency:
    of eCPMs."""

    form: Form
    told: Answered | None = None
    currency: str = ""
    whole_house: bool = False
    status: int = 200


async def check_own(visit: Visit, ad: str) -> None:
    """InputError where the ad is not one of the visitor's: a foreign one is as good as absent."""
    if visit.key is None or not visit.key.advertisers:
        return
    store = visit.desk.inside.admin.catalog
    stored = await visit.aside(store.find, "ads", ad)
    if stored is None or not await Owners(store).sees(visit.key, stored.noun):
        raise InputError("ad", ad, "the id of an ad of yours", "the page of its campaign lists them")


async def show(visit: Visit) -> Asked:
    """The form, and below it the answer to what the address asks."""
    values = values_of(visit.query)
    if "ad" not in visit.query:
        return Asked(form=form_of(values))
    question, wrong = asked_of(values, visit.now_us)
    if question is None:
        return _once_more(values, wrong)
    try:
        await check_own(visit, question.ad)
        why = await visit.desk.inside.backend.why_not(*question)
    except BusyError:
        raise
    except InputError as error:
        return _once_more(values, {"ad": wrong_of(error)})
    currency, whole_house = visit.desk.inside.options.currency, visit.key is not None and not visit.key.advertisers
    told = answered_of(why, link_of(*question), currency, whole_house=whole_house)
    return Asked(form=form_of(values), told=told, currency=currency, whole_house=whole_house)


def _once_more(values: dict[str, str], wrong: dict[str, Wrong]) -> Asked:
    return Asked(form=form_of(values, wrong), status=422)


PAGE = Page(
    name="cascade_ad", title="Why not shown", path=URL, needs="reports:read", listed=False,
    routes=(At(path=URL, handler=show, template="cascade_ad.html"),),
)  # fmt: skip
