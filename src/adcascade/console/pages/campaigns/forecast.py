"""The forecast of one campaign as it stands, and what another bid or daily budget would make of it.

The form is a GET: the address holds the whole question, and who gets it sees the same forecast. What is typed into
the form of a campaign is foretold beside it, before anything is saved.
"""

from collections.abc import Mapping

import msgspec

from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.catalog.offers import first_bid
from adcascade.console.forecasting import ForecastView, told
from adcascade.console.form import Field, Form, read
from adcascade.console.page import At, Visit
from adcascade.console.pages.campaigns.drafting import Faulty, drafted
from adcascade.console.pages.campaigns.one import found
from adcascade.forecast.log import ads_of
from adcascade.money.amounts import micros_of, units

NAMES = ("bid", "daily_budget")


class Foretold(msgspec.Struct, frozen=True, kw_only=True):
    """The view. form: what was asked, and what is wrong with it; then there is no forecast."""

    id: str
    name: str
    form: Form
    forecast: ForecastView | None
    status: int = 200


class OfDraft(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast of what was typed; None where a field is wrong: then `wrong` says which, and what it should be."""

    forecast: ForecastView | None
    wrong: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Another campaign than the one that stands. raised: its bids times this."""

    campaign: Campaign
    raised: float


def bid_of(campaign: Campaign) -> int:
    """What the campaign offers, micros: for a conversion where it tells a target, else for a billing event."""
    return first_bid(campaign) if campaign.target_micros is None else campaign.target_micros


def asked_of(campaign: Campaign, good: Mapping[str, int | None]) -> Asked:
    """What the fields make of the campaign; None in a field: as it stands."""
    bid, budget, stands = good["bid"], good["daily_budget"], bid_of(campaign)
    changed = campaign if budget is None else msgspec.structs.replace(campaign, daily_budget_micros=budget)
    if bid is None or bid == stands:
        return Asked(campaign=changed, raised=1.0)
    if stands:
        return Asked(campaign=changed, raised=bid / stands)
    return Asked(campaign=msgspec.structs.replace(changed, bid_micros=bid), raised=1.0)


def form_of(campaign: Campaign, query: Mapping[str, str]) -> Form:
    """The fields as they were asked; without a question, as the campaign stands."""
    budget, currency = campaign.daily_budget_micros, campaign.currency
    stands = {"bid": units(bid_of(campaign)), "daily_budget": "" if budget is None else units(budget)}
    values = {name: query.get(name, stands[name]).replace(",", "").strip() for name in NAMES}
    _, wrong = read(values, CHECKS)
    what = "for a conversion" if campaign.target_micros is not None else f"by the {campaign.billing}"
    return Form(
        action="", submit="What if",
        fields=(
            Field(name="bid", label=f"Bid, {currency}", kind="number", hint=what),
            Field(name="daily_budget", label=f"Daily budget, {currency}", kind="number", hint="empty: as it stands"),
        ),
        values=values, wrong=wrong,
    )  # fmt: skip


def _amount(text: str) -> int | None:
    return micros_of(text) if text else None


CHECKS = dict.fromkeys(NAMES, _amount)


async def show(visit: Visit) -> Foretold:
    """The page; fields that cannot be used come back with what is wrong."""
    _, campaign = await found(visit)
    form = form_of(campaign, visit.query)
    if form.wrong:
        return Foretold(id=campaign.id, name=campaign.name or campaign.id, form=form, forecast=None, status=422)
    asked = asked_of(campaign, read(form.values, CHECKS)[0])
    store = visit.desk.inside.admin.catalog
    ads = await visit.aside(ads_of, store, campaign.id)
    advertiser = await visit.aside(store.find_advertiser, campaign.advertiser)
    payer = advertiser or Advertiser(id=campaign.advertiser)
    forecast = await told(visit, asked.campaign, ads, payer, raised=asked.raised)
    return Foretold(id=campaign.id, name=campaign.name or campaign.id, form=form, forecast=forecast)


async def of_draft(visit: Visit) -> OfDraft:
    """Of the form's fields as they are now."""
    draft = await drafted(visit)
    if isinstance(draft, Faulty):
        return OfDraft(forecast=None, wrong=tuple(f"{name}: {one.expected}" for name, one in draft.wrong.items()))
    return OfDraft(forecast=await told(visit, draft.campaign, draft.ads, draft.advertiser))


ROUTES = (
    At(path="/campaign-forecast-of/{id:path}", handler=show, template="campaign_forecast_of.html"),
    At(
        method="POST", path="/campaign-forecast", handler=of_draft, template="campaign_forecast_draft.html",
        needs="catalog:write",
    ),
)  # fmt: skip
