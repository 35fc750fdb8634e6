"""Forecasting: what a campaign would reach and spend, in words, figures and curves; for forms and for its own page."""

from collections.abc import Sequence

import msgspec

from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.console.figures import Figure, Spot
from adcascade.console.page import Visit
from adcascade.console.words import MICROS, moment, money, number, percent
from adcascade.errors import InputError
from adcascade.forecast.curves import Band, Point
from adcascade.forecast.forecast import Binds, Forecast
from adcascade.forecast.log import drafted, foretold, read_log, rules_of
from adcascade.forecast.traffic import Log
from adcascade.settings import AuctionSettings

BINDS: dict[Binds, str] = {
    "targeting": "No request of the log fits the campaign.",
    "budget": "The daily budget binds: with more of it, the campaign would spend {wanted} a day.",
    "cap": "The limits on how often one user sees it bind.",
    "bid": "The bid binds: with a higher one it would be shown more often.",
    "traffic": "The traffic binds: a higher bid or budget would bring little more.",
}
UNJUDGED = {
    "regions": "regions", "cities": "cities", "segments": "audience segments",
    "negative_segments": "excluded audience segments", "products": "products of the page",
}  # fmt: skip
REASONS = 4  # shown, of why requests do not fit
NO_LOG = "There is no log yet to forecast from: serve some hours, better some days, first."


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of a day, and between what it lies."""

    label: str
    value: str
    hint: str


class ForecastView(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown. trouble: instead of all else, why there is no forecast."""

    trouble: str = ""
    tiles: tuple[Tile, ...] = ()
    says: tuple[str, ...] = ()  # what stands in the way of more, and what else is to be known
    figures: tuple[Figure, ...] = ()
    basis: tuple[str, ...] = ()  # what it is made from
    reasons: tuple[tuple[str, str], ...] = ()  # why requests do not fit, and how many of all


async def told(
    visit: Visit, campaign: Campaign, ads: Sequence[Ad], advertiser: Advertiser, *, raised: float = 1.0
) -> ForecastView:
    """The forecast of a campaign as it stands or is drafted. raised: all its bids times this."""
    desk, store = visit.desk, visit.desk.inside.admin.catalog
    log = await desk.kept.get("forecasts", visit.now_us, lambda: read_log(desk.settings.journal_path, store))
    return await visit.aside(made, log, store, desk.settings.auction, (campaign, tuple(ads), advertiser), raised)


def made(
    log: Log | None,
    store: CatalogStore,
    auction: AuctionSettings,
    of: tuple[Campaign, tuple[Ad, ...], Advertiser],
    raised: float,
) -> ForecastView:
    """By what was read of the log; a campaign that cannot be foretold is told why."""
    if log is None:
        return ForecastView(trouble=NO_LOG)
    campaign, ads, advertiser = of
    draft = msgspec.structs.replace(drafted(store, campaign, ads, advertiser), raised=raised)
    try:
        forecast = foretold(log, store, draft, rules_of(auction))
    except InputError as error:
        return ForecastView(trouble=f"There is no forecast for it: {error.remedy}.")
    return view_of(forecast, campaign)


def view_of(forecast: Forecast, campaign: Campaign) -> ForecastView:
    """In words and curves."""
    currency = campaign.currency
    events = "clicks" if campaign.billing == "click" else "impressions"
    tiles = [
        Tile(
            label="Impressions a day", value=number(forecast.impressions.middle, 0),
            hint=_between(forecast.impressions),
        ),
        Tile(label="Clicks a day", value=number(round(forecast.clicks.middle, 1)), hint=_between(forecast.clicks)),
        Tile(
            label="Spend a day", value=money(forecast.spend_micros.middle, currency),
            hint=f"between {money(forecast.spend_micros.low)} and {money(forecast.spend_micros.high)}",
        ),
        Tile(
            label=f"Reach in {_days(forecast.days)}", value=f"{number(forecast.reach, 0)} users",
            hint=f"of requests that fit, {percent(forecast.nobody, 0)} tell no user",
        ),
    ]  # fmt: skip
    if campaign.goal == "conversions" or campaign.target_micros is not None:
        tiles.insert(
            2,
            Tile(label="Conversions a day", value=number(round(forecast.conversions, 1)), hint="as the models expect"),
        )
    return ForecastView(
        tiles=tuple(tiles),
        says=tuple(says_of(forecast, campaign)),
        figures=tuple(figures_of(forecast, campaign, events)),
        basis=tuple(basis_of(forecast)),
        reasons=tuple(
            (reason, percent(count / max(forecast.auctions, 1), 0)) for reason, count in forecast.reasons[:REASONS]
        ),
    )


def says_of(forecast: Forecast, campaign: Campaign) -> list[str]:
    """What stands in the way of more."""
    said = [BINDS[forecast.binds].format(wanted=money(forecast.wanted_micros, campaign.currency))]
    if forecast.runs_dry is not None:
        said.append(f"It would run dry after {percent(forecast.runs_dry, 0)} of the day's traffic.")
    if forecast.lasts_days is not None:
        said.append(f"The total budget would last {_days(max(1, round(forecast.lasts_days)))}.")
    if forecast.unjudged:
        names = ", ".join(UNJUDGED[name] for name in forecast.unjudged)
        said.append(f"The log does not keep {names}: every request is taken to fit there, so expect less.")
    return said


def basis_of(forecast: Forecast) -> list[str]:
    """What it is made from, and what it does not know."""
    whole = forecast.weight <= 1.0
    each = "" if whole else f", each of which stands for {number(forecast.weight)}"
    of = {
        "own": "its own ads in",
        "category": "ads of the same categories in",
        "advertiser": "other ads of the advertiser in",
        "all": "all ads in",
    }[forecast.basis]
    return [
        f"Replayed: {number(forecast.auctions, 0)} requests of the log{each}, from {moment(forecast.since_us)} to "
        f"{moment(forecast.until_us)} UTC; {percent(forecast.fitting / max(forecast.requests, 1e-9), 0)} of them fit.",
        f"Chances of a click: those of {of} {number(forecast.evidence, 0)} of these requests.",
        "Eight of ten days should lie within the ranges, if they are like those of the log. What others will bid in "
        "answer is not foreseen.",
    ]


def figures_of(forecast: Forecast, campaign: Campaign, events: str) -> list[Figure]:
    """What other bids and other daily budgets would bring, one thing at a time."""
    of = "conversion" if campaign.target_micros is not None else campaign.billing
    by_bid = [_spot(point, campaign.currency) for point in forecast.bids]
    head = f"Bid for a{'n' if of == 'impression' else ''} {of}, {campaign.currency}"
    place = 1 if events == "clicks" else 0
    figures = [
        _figure("forecast-events", f"{events.capitalize()} a day, by bid", head, events.capitalize(), by_bid, place),
        _figure("forecast-spend", f"Spend a day, {campaign.currency}, by bid", head, "Spend", by_bid, 2),
    ]
    if forecast.budgets:
        spots = [_spot(point, campaign.currency) for point in forecast.budgets]
        head = f"Daily budget, {campaign.currency}"
        title = f"{events.capitalize()} a day, by daily budget"
        figures.append(_figure("forecast-budgets", title, head, events.capitalize(), spots, place))
    return figures


def _spot(point: Point, currency: str) -> Spot:
    """Impressions, clicks and spend at a bid or a budget."""
    return Spot(
        x=point.micros / MICROS,
        label=money(point.micros, currency),
        values=(point.impressions, point.clicks, point.spend_micros / MICROS),
    )


def _figure(name: str, title: str, head: str, series: str, spots: Sequence[Spot], place: int) -> Figure:  # noqa: PLR0917  what a figure is
    """One of the three values is drawn, the others stand beside it in the table."""
    heads = ("Impressions", "Clicks", "Spend")
    others = [n for n in range(3) if n != place]
    rows = tuple(
        Spot(
            x=spot.x, label=spot.label, values=(spot.values[place],),
            notes=tuple(number(spot.values[n]) for n in others),
        )
        for spot in spots
    )  # fmt: skip
    return Figure(
        name=name, title=title, across="money", head=head, unit="money" if place == 2 else "count", series=(series,),
        rows=rows, note_heads=tuple(heads[n] for n in others),
    )  # fmt: skip


def _between(band: Band) -> str:
    return f"between {number(band.low, 0)} and {number(band.high, 0)}"


def _days(count: int) -> str:
    return f"{count:,} day{'s' * (count != 1)}"
