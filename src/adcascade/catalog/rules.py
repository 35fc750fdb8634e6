"""What the catalog takes: the rules that each noun must obey on its own.

Each function raises InputError with the field written as the caller would: `ads[3].bid_micros`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adcascade.catalog import iab
from adcascade.catalog.kinds import Kind, Noun
from adcascade.catalog.limits import (
    MAX_INT64,
    MAX_MICROS,
    check_finite,
    check_id,
    check_image,
    check_money,
    check_range,
    check_text,
    check_url,
)
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Creative, Offer
from adcascade.catalog.targeting_rules import check_caps, check_targeting
from adcascade.catalog.week import zone_of
from adcascade.errors import InputError

__all__ = ["CHECK_OF", "COLUMNS", "MAX_MICROS", "check_all", "check_offers"]

# Columns that every ad has (Snapshot.columns); an attribute may not take their names.
COLUMNS = ("ad", "campaign", "advertiser", "ad_category", "ad_department", "brand", "price", "title", "picture")

_CURRENCY = re.compile(r"[A-Z]{3}")


def check_advertiser(advertiser: Advertiser, at: str) -> None:
    """Its id is written, its zone is known, its fee is a part of what is charged."""
    check_id(advertiser.id, f"{at}.id")
    check_text(advertiser.name, f"{at}.name")
    check_text(advertiser.domain, f"{at}.domain")
    check_range(advertiser.fee_bp, f"{at}.fee_bp", 0, 10_000)
    try:
        zone_of(advertiser.timezone)
    except ValueError as error:
        expected = "a time zone of the IANA, such as Europe/Berlin"
        raise InputError(f"{at}.timezone", advertiser.timezone, expected, "UTC has no summer time") from error


def check_campaign(campaign: Campaign, at: str) -> None:
    """Ids are written, money and times lie in their ranges, the currency is an ISO 4217 code, goal and bid agree."""
    check_id(campaign.id, f"{at}.id")
    check_id(campaign.advertiser, f"{at}.advertiser")
    check_text(campaign.name, f"{at}.name")
    for name in ("bid_micros", "daily_budget_micros", "total_budget_micros", "target_micros"):
        check_money(getattr(campaign, name), f"{at}.{name}")
    check_range(campaign.start_us, f"{at}.start_us", -MAX_INT64, MAX_INT64)
    if campaign.end_us is not None:
        check_range(campaign.end_us, f"{at}.end_us", campaign.start_us, MAX_INT64)
    if not _CURRENCY.fullmatch(campaign.currency):
        raise InputError(f"{at}.currency", campaign.currency, "three capital letters of ISO 4217, like USD")
    _check_goal(campaign, at)
    check_caps(campaign.caps, f"{at}.caps")
    for i, deal in enumerate(campaign.deals):
        check_id(deal, f"{at}.deals[{i}]")
    check_targeting(campaign.targeting, f"{at}.targeting")


def _check_goal(campaign: Campaign, at: str) -> None:
    if campaign.target_micros is not None and campaign.goal != "conversions":
        expected = f'none: goal "{campaign.goal}" has no cost of a conversion'
        raise InputError(f"{at}.target_micros", campaign.target_micros, expected, 'set goal to "conversions"')
    if campaign.goal == "conversions" and campaign.target_micros is None and campaign.bid_micros == 0:
        expected = 'what a conversion may cost, or a bid_micros: goal "conversions" needs one'
        raise InputError(f"{at}.target_micros", None, expected)
    if campaign.margin_share is not None and not 0 < campaign.margin_share <= 1:
        raise InputError(f"{at}.margin_share", campaign.margin_share, "a share above 0, up to 1")


def check_ad_group(group: AdGroup, at: str) -> None:
    """Ids are written, the bid is money, the targeting can be read."""
    check_id(group.id, f"{at}.id")
    check_id(group.campaign, f"{at}.campaign")
    check_text(group.name, f"{at}.name")
    check_money(group.bid_micros, f"{at}.bid_micros")
    check_targeting(group.targeting, f"{at}.targeting")


def check_ad(ad: Ad, at: str) -> None:
    """Ids are written, numbers lie in their ranges, attributes do not hide the ad's own columns."""
    check_id(ad.id, f"{at}.id")
    check_id(ad.campaign, f"{at}.campaign")
    for name in ("ad_group", "product", "parent", "category", "brand", "title"):
        check_text(getattr(ad, name), f"{at}.{name}")
    check_url(ad.url, f"{at}.url")
    check_money(ad.bid_micros, f"{at}.bid_micros")
    _check_offer(ad, at)
    for i, code in enumerate(ad.iab):
        if not iab.CODE.fullmatch(code):
            raise InputError(f"{at}.iab[{i}]", code, iab.GRAMMAR)
    for i, keyword in enumerate(ad.keywords):
        check_text(keyword, f"{at}.keywords[{i}]")
    _check_creatives(ad.creatives, at)
    for i, number in enumerate(ad.picture):
        check_finite(number, f"{at}.picture[{i}]")
    for name, value in ad.attributes.items():
        if name in COLUMNS:
            raise InputError(f"{at}.attributes", name, f"another name than {', '.join(COLUMNS)}", "rename it")
        if isinstance(value, str):
            check_text(value, f"{at}.attributes[{name!r}]")
        else:
            check_finite(value, f"{at}.attributes[{name!r}]")


def _check_offer(offer: Any, at: str) -> None:
    """stock, price_micros and margin_micros of an ad or an offer that tells them."""
    check_money(offer.price_micros, f"{at}.price_micros")
    if offer.margin_micros is not None:
        check_range(offer.margin_micros, f"{at}.margin_micros", -MAX_MICROS, MAX_MICROS)
    if offer.stock is not None:
        check_range(offer.stock, f"{at}.stock", 0, MAX_INT64)


def _check_creatives(creatives: tuple[Creative, ...], at: str) -> None:
    seen: set[str] = set()
    for i, creative in enumerate(creatives):
        here = f"{at}.creatives[{i}]"
        check_id(creative.id, f"{here}.id")
        if creative.id in seen:
            raise InputError(f"{here}.id", creative.id, "an id that no other creative of the ad has")
        seen.add(creative.id)
        for name in ("title", "text", "call_to_action", "mime"):
            check_text(getattr(creative, name), f"{here}.{name}")
        for name in ("image_url", "icon_url"):
            check_image(getattr(creative, name), f"{here}.{name}")
        for name in ("video_url", "vast_url"):
            check_url(getattr(creative, name), f"{here}.{name}")
        for name in ("width", "height", "duration_ms", "bitrate_kbps"):
            check_range(getattr(creative, name), f"{here}.{name}", 0, 2**31 - 1)


CHECK_OF: dict[Kind, Callable[[Any, str], None]] = {
    "advertisers": check_advertiser,
    "campaigns": check_campaign,
    "ad_groups": check_ad_group,
    "ads": check_ad,
}


def check_all(kind: Kind, nouns: Sequence[Noun]) -> None:
    """Each of one call on its own, and that no id stands there twice."""
    check = CHECK_OF[kind]
    first: dict[str, int] = {}
    for i, noun in enumerate(nouns):
        check(noun, f"{kind}[{i}]")
        if first.setdefault(noun.id, i) != i:
            raise InputError(f"{kind}[{i}].id", noun.id, f"another id than {kind}[{first[noun.id]}] has")


def check_offers(offers: Mapping[str, Offer]) -> None:
    """What is told lies in its range."""
    for ad, offer in offers.items():
        told = {"stock": None, "price_micros": 0, "margin_micros": None} | offer.told()
        _check_offer(Offer(**told), f"offers[{ad!r}]")
