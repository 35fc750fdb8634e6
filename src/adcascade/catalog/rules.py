"""What the catalog takes: the rules that an advertiser, a campaign and an ad must obey on their own.

Each function raises InputError with the field written as the caller would: `ads[3].bid_micros`.
"""

import math
import re

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.errors import InputError

MAX_MICROS = 10**15  # a thousand million units; times 1000 it still fits int64
MAX_INT64 = 2**63 - 1

# Columns that every ad has (Snapshot.columns); an attribute may not take their names.
COLUMNS = ("ad", "campaign", "advertiser", "ad_category", "ad_department", "brand", "price", "title", "picture")

_CURRENCY = re.compile(r"[A-Z]{3}")


def check_advertiser(advertiser: Advertiser, at: str) -> None:
    """Its id is written."""
    _check_id(advertiser.id, f"{at}.id")


def check_campaign(campaign: Campaign, at: str) -> None:
    """Ids are written, money and times lie in their ranges, the currency is an ISO 4217 code."""
    _check_id(campaign.id, f"{at}.id")
    _check_id(campaign.advertiser, f"{at}.advertiser")
    _check_money(campaign.bid_micros, f"{at}.bid_micros")
    for name in ("daily_budget_micros", "total_budget_micros"):
        if (budget := getattr(campaign, name)) is not None:
            _check_money(budget, f"{at}.{name}")
    _check_range(campaign.start_us, f"{at}.start_us", -MAX_INT64, MAX_INT64)
    if campaign.end_us is not None:
        _check_range(campaign.end_us, f"{at}.end_us", campaign.start_us, MAX_INT64)
    if not _CURRENCY.fullmatch(campaign.currency):
        raise InputError(f"{at}.currency", campaign.currency, "three capital letters of ISO 4217, like USD")


def check_ad(ad: Ad, at: str) -> None:
    """Ids are written, numbers lie in their ranges, attributes do not hide the ad's own columns."""
    _check_id(ad.id, f"{at}.id")
    _check_id(ad.campaign, f"{at}.campaign")
    _check_money(ad.price_micros, f"{at}.price_micros")
    if ad.bid_micros is not None:
        _check_money(ad.bid_micros, f"{at}.bid_micros")
    if ad.stock is not None:
        _check_range(ad.stock, f"{at}.stock", 0, MAX_INT64)
    _check_creatives(ad.creatives, at)
    for i, number in enumerate(ad.picture):
        _check_finite(number, f"{at}.picture[{i}]")
    for name, value in ad.attributes.items():
        if name in COLUMNS:
            raise InputError(f"{at}.attributes", name, f"another name than {', '.join(COLUMNS)}", "rename it")
        if not isinstance(value, str):
            _check_finite(value, f"{at}.attributes[{name!r}]")


def _check_creatives(creatives: tuple[Creative, ...], at: str) -> None:
    seen: set[str] = set()
    for i, creative in enumerate(creatives):
        _check_id(creative.id, f"{at}.creatives[{i}].id")
        if creative.id in seen:
            raise InputError(f"{at}.creatives[{i}].id", creative.id, "an id that no other creative of the ad has")
        seen.add(creative.id)
        _check_range(creative.width, f"{at}.creatives[{i}].width", 0, 2**31 - 1)
        _check_range(creative.height, f"{at}.creatives[{i}].height", 0, 2**31 - 1)


def _check_id(value: str, at: str) -> None:
    if not value or "\0" in value:
        raise InputError(at, value, "a text that is not empty and holds no NUL")


def _check_money(value: int, at: str) -> None:
    if not 0 <= value <= MAX_MICROS:
        raise InputError(at, value, f"micros from 0 to {MAX_MICROS}")


def _check_range(value: int, at: str, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InputError(at, value, f"a whole number from {low} to {high}")


def _check_finite(value: float, at: str) -> None:
    if not math.isfinite(value):
        raise InputError(at, value, "a finite number")
