"""What an advertiser brings: advertisers, campaigns, ads and their creatives.

Money is int64 micros of the campaign's currency; time is UTC in int64 microseconds.
"""

from typing import Literal

import msgspec

Status = Literal["active", "paused", "ended"]
Billing = Literal["click", "impression"]


class Advertiser(msgspec.Struct, frozen=True, kw_only=True):
    """Who pays."""

    id: str
    name: str = ""
    domain: str = ""


class Targeting(msgspec.Struct, frozen=True, kw_only=True):
    """Where a campaign wants to be seen; an empty tuple means everywhere."""

    scenarios: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()  # of the page; a parent includes its children
    keywords: tuple[str, ...] = ()  # the query must hold one of them
    negative_keywords: tuple[str, ...] = ()  # and none of these


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A budget, a bid and where to spend them."""

    id: str
    advertiser: str
    name: str = ""
    status: Status = "active"
    billing: Billing = "click"
    bid_micros: int = 0  # per billing event; an ad may have its own
    daily_budget_micros: int | None = None  # per UTC day; None: no limit
    total_budget_micros: int | None = None
    start_us: int = 0
    end_us: int | None = None
    pacing: Literal["even", "fast"] = "even"
    targeting: Targeting = Targeting()
    currency: str = "USD"


class Creative(msgspec.Struct, frozen=True, kw_only=True):
    """One look of an ad."""

    id: str
    format: Literal["product", "banner", "native"] = "product"
    title: str = ""
    image_url: str = ""
    width: int = 0  # pixels
    height: int = 0


class Ad(msgspec.Struct, frozen=True, kw_only=True):
    """One thing advertised by a campaign."""

    id: str
    campaign: str
    product: str = ""
    category: str = ""  # a path: "sports/shoes/running"
    brand: str = ""
    title: str = ""
    url: str = ""
    status: Status = "active"
    price_micros: int = 0  # of the product
    bid_micros: int | None = None  # instead of the campaign's
    stock: int | None = None  # None: not counted; 0: not advertised
    keywords: tuple[str, ...] = ()  # queries that shall find it, beside the words of the title
    creatives: tuple[Creative, ...] = ()
    picture: tuple[float, ...] = ()  # vector of the picture's look
    attributes: dict[str, str | float] = {}  # further columns that the features name
