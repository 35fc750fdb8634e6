"""Why an ad may not answer a request: the rules one by one, as sentences; the slow twin of Snapshot.eligible."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from adcascade.catalog.formats import ad_fits
from adcascade.catalog.keywords import matches, parse_keyword
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, CapLevel, Targeting
from adcascade.catalog.placing import iab_codes
from adcascade.catalog.week import is_open
from adcascade.catalog.words import parents, words
from adcascade.contracts.request import AdRequest

Cap = tuple[CapLevel, str]  # a level and an id of it: the user has seen enough of this


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An ad with what it belongs to, and what the moment says of it."""

    ad: Ad
    group: AdGroup | None
    campaign: Campaign
    advertiser: Advertiser
    now_us: int
    funded: bool  # the campaign has money left
    capped: Collection[Cap] = ()


def why_not(standing: Standing, request: AdRequest) -> str | None:
    """The first rule that keeps the ad out, or None where it may answer."""
    campaign, group = standing.campaign, standing.group
    for reasons in (
        _of_state(standing),
        _of_targeting(campaign.targeting, request, "campaign"),
        iter(()) if group is None else _of_targeting(group.targeting, request, "ad group"),
        _of_request(standing.ad, standing.advertiser, request),
        _of_slots(standing.ad, campaign, request),
        _of_caps(standing),
    ):
        for reason in reasons:
            return reason
    return None


def _of_state(standing: Standing) -> Iterator[str]:
    ad, group, campaign = standing.ad, standing.group, standing.campaign
    now_us, zone = standing.now_us, standing.advertiser.timezone
    if ad.status != "active":
        yield ad.status
    if group is not None and group.status != "active":
        yield f"ad group {group.status}"
    if campaign.status != "active":
        yield f"campaign {campaign.status}"
    if now_us < campaign.start_us:
        yield "campaign not started"
    if campaign.end_us is not None and now_us >= campaign.end_us:
        yield "campaign over"
    if campaign.targeting.times and not is_open(campaign.targeting.times, zone, now_us):
        yield "not at this time of the campaign's week"
    if group is not None and group.targeting.times and not is_open(group.targeting.times, zone, now_us):
        yield "not at this time of the ad group's week"
    if ad.stock == 0:
        yield "out of stock"
    if not standing.funded:
        yield "budget exhausted"


def _of_targeting(targeting: Targeting, request: AdRequest, whose: str) -> Iterator[str]:
    page = parents(request.category)
    for wanted, told, name in (
        (targeting.scenarios, (request.scenario,), "scenario"),
        (targeting.devices, (request.device,), "device"),
        (targeting.countries, (request.country,), "country"),
        (targeting.regions, (request.region,), "region"),
        (targeting.cities, (request.city,), "city"),
        (targeting.categories, page, "page category"),
        (targeting.segments, request.segments, "audience segment"),
        (targeting.products, request.page_products, "product of the page"),
    ):
        if wanted and not set(wanted) & set(filter(None, told)):
            yield f"{name} not targeted by the {whose}"
    if set(targeting.negative_segments) & set(filter(None, request.segments)):
        yield f"user in an audience segment that the {whose} excludes"
    if set(targeting.blocked_categories) & set(page):
        yield f"page category blocked by the {whose}"
    query = words(request.query)
    if targeting.keywords and not any(matches(parse_keyword(text), query) for text in targeting.keywords):
        yield f"query holds no keyword of the {whose}"
    if any(matches(parse_keyword(text), query) for text in targeting.negative_keywords):
        yield f"query holds a negative keyword of the {whose}"


def _of_request(ad: Ad, advertiser: Advertiser, request: AdRequest) -> Iterator[str]:
    if request.products and ad.product not in request.products:
        yield "product not among the request's"
    if {*parents(ad.category), *iab_codes(ad)} & set(request.blocked_categories):
        yield "category blocked by the request"
    if {advertiser.id, advertiser.domain} & set(filter(None, request.blocked_advertisers)):
        yield "advertiser blocked by the request"


def _of_slots(ad: Ad, campaign: Campaign, request: AdRequest) -> Iterator[str]:
    if campaign.deals:
        offered = {deal.id for slot in request.slots for deal in slot.deals}
        if not offered & set(campaign.deals):
            yield "no deal of the campaign is offered"
        slots = [slot for slot in request.slots if slot.deals]
    else:
        slots = [slot for slot in request.slots if not slot.private]
        if not slots:
            yield "every slot is private, and the campaign has no deal"
    if not any(ad_fits(ad, slot) for slot in slots):
        yield "no creative fits a slot"


def _of_caps(standing: Standing) -> Iterator[str]:
    ad, campaign = standing.ad, standing.campaign
    for level, key in (
        ("advertiser", campaign.advertiser),
        ("campaign", campaign.id),
        ("ad_group", ad.ad_group),
        ("ad", ad.id),
    ):
        if key and (level, key) in standing.capped:
            yield f"the user has seen enough of this {level.replace('_', ' ')}"
