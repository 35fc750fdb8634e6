"""Why an ad may not answer a request: the rules one by one, as sentences; the slow twin of Snapshot.eligible."""

from collections.abc import Iterator

from adcascade.catalog.formats import ad_fits
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Targeting
from adcascade.catalog.targets import holds_one
from adcascade.catalog.words import parents, words
from adcascade.contracts.request import AdRequest


def why_not(
    ad: Ad | None, campaign: Campaign, advertiser: Advertiser, request: AdRequest, *, now_us: int, funded: bool
) -> str | None:
    """The first rule that keeps the ad out, or None where it may answer; `ad` is None once removed."""
    if ad is None:
        return "removed"
    for reasons in (
        _of_state(ad, campaign, now_us, funded=funded),
        _of_targeting(campaign.targeting, request),
        _of_request(ad, advertiser, request),
    ):
        for reason in reasons:
            return reason
    return None


def _of_state(ad: Ad, campaign: Campaign, now_us: int, *, funded: bool) -> Iterator[str]:
    if ad.status != "active":
        yield ad.status
    if campaign.status != "active":
        yield f"campaign {campaign.status}"
    if now_us < campaign.start_us:
        yield "campaign not started"
    if campaign.end_us is not None and now_us >= campaign.end_us:
        yield "campaign over"
    if ad.stock == 0:
        yield "out of stock"
    if not funded:
        yield "budget exhausted"


def _of_targeting(targeting: Targeting, request: AdRequest) -> Iterator[str]:
    if targeting.scenarios and request.scenario not in _told(targeting.scenarios):
        yield "scenario not targeted"
    if targeting.devices and request.device not in _told(targeting.devices):
        yield "device not targeted"
    if targeting.countries and request.country not in _told(targeting.countries):
        yield "country not targeted"
    if targeting.categories and not set(parents(request.category)) & set(_told(targeting.categories)):
        yield "page category not targeted"
    query = words(request.query)
    if targeting.keywords and not holds_one(query, targeting.keywords):
        yield "query holds no keyword of the campaign"
    if holds_one(query, targeting.negative_keywords):
        yield "query holds a negative keyword of the campaign"


def _told(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, values))


def _of_request(ad: Ad, advertiser: Advertiser, request: AdRequest) -> Iterator[str]:
    if request.products and ad.product not in request.products:
        yield "product not among the request's"
    if set(parents(ad.category)) & set(request.blocked_categories):
        yield "category blocked by the request"
    if {advertiser.id, advertiser.domain} & set(filter(None, request.blocked_advertisers)):
        yield "advertiser blocked by the request"
    if not any(ad_fits(ad, slot) for slot in request.slots):
        yield "no creative fits a slot"
