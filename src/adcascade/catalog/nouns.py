"""What an advertiser brings: advertisers, campaigns, ad groups, ads and their creatives.

Money is int64 micros of the campaign's currency; time is UTC in int64 microseconds.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

Status = Literal["active", "paused", "ended"]
Billing = Literal["click", "impression"]
Goal = Literal["clicks", "conversions", "reach"]
CapLevel = Literal["advertiser", "campaign", "ad_group", "ad", "creative"]


class Advertiser(msgspec.Struct, frozen=True, kw_only=True):
    """Who pays."""

    id: str
    name: str = ""
    domain: str = ""
    timezone: str = "UTC"  # of IANA: its days are the days of budgets and statements, its hours those of schedules
    prepaid: bool = False  # only what lies in its wallet can be promised; else it is billed afterwards
    fee_bp: int = 0  # the platform's part of every charge, in hundredths of a percent


class FrequencyCap(msgspec.Struct, frozen=True, kw_only=True):
    """At most so many impressions of the same ... (level) to one user within a sliding window."""

    impressions: int
    window_s: int
    level: CapLevel = "campaign"


class Targeting(msgspec.Struct, frozen=True, kw_only=True):
    """Where a campaign or an ad group wants to be seen; an empty tuple means everywhere.

    A keyword matches as a phrase, "red shoes", unless it says otherwise: "exact:red shoes" is the whole query,
    "broad:red shoes" has its words anywhere in it. Times are of the advertiser's zone: "mon-fri 08:00-18:30",
    "sat,sun 10:00-24:00".
    """

    scenarios: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()  # of the page; a parent includes its children
    keywords: tuple[str, ...] = ()  # the query must hold one of them
    negative_keywords: tuple[str, ...] = ()  # and none of these
    regions: tuple[str, ...] = ()  # ISO 3166-2, such as "US-CA"
    cities: tuple[str, ...] = ()  # as the requests of this installation name them
    times: tuple[str, ...] = ()  # parts of the week
    segments: tuple[str, ...] = ()  # of the audience; the user is in one of them
    negative_segments: tuple[str, ...] = ()  # and in none of these
    products: tuple[str, ...] = ()  # that the page is about
    blocked_categories: tuple[str, ...] = ()  # of pages where it must not be seen


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
    goal: Goal = "clicks"
    target_micros: int | None = None  # goal "conversions": what one may cost; the bid is this times P(conversion)
    margin_share: float | None = None  # bid at most this part of the margin that a click is expected to bring
    caps: tuple[FrequencyCap, ...] = ()
    deals: tuple[str, ...] = ()  # private deals that it may answer; with any, it answers nothing else


class AdGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Ads of a campaign that share a bid and a targeting, which narrows the campaign's."""

    id: str
    campaign: str
    name: str = ""
    status: Status = "active"
    bid_micros: int | None = None  # instead of the campaign's
    targeting: Targeting = Targeting()


class Creative(msgspec.Struct, frozen=True, kw_only=True):
    """One look of an ad."""

    id: str
    format: Literal["product", "banner", "native", "video"] = "product"
    title: str = ""
    text: str = ""  # native: the description
    call_to_action: str = ""
    image_url: str = ""
    icon_url: str = ""
    video_url: str = ""  # the file itself ...
    vast_url: str = ""  # ... or another server's VAST document, to be wrapped
    mime: str = ""  # of the video
    duration_ms: int = 0
    bitrate_kbps: int = 0
    width: int = 0  # pixels
    height: int = 0


class Ad(msgspec.Struct, frozen=True, kw_only=True):
    """One thing advertised by a campaign."""

    id: str
    campaign: str
    ad_group: str = ""  # "": directly in the campaign
    product: str = ""
    parent: str = ""  # product that this one is a variant of
    category: str = ""  # a path: "sports/shoes/running"
    brand: str = ""
    title: str = ""
    url: str = ""
    status: Status = "active"
    price_micros: int = 0  # of the product
    margin_micros: int | None = None  # what one sold leaves
    bid_micros: int | None = None  # instead of the campaign's
    stock: int | None = None  # None: not counted; 0: not advertised
    iab: tuple[str, ...] = ()  # codes of the IAB content taxonomy, such as "IAB17-1", that exchanges block by
    keywords: tuple[str, ...] = ()  # queries that shall find it, beside the words of the title
    creatives: tuple[Creative, ...] = ()
    picture: tuple[float, ...] = ()  # vector of the picture's look
    attributes: dict[str, str | float] = {}  # further columns that the features name


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop's feed tells of an advertised product; what it does not tell stays as it is."""

    stock: int | UnsetType | None = UNSET
    price_micros: int | UnsetType = UNSET
    margin_micros: int | UnsetType | None = UNSET

    def told(self) -> dict[str, Any]:
        """The fields that are told, by name."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in fields.items() if value is not UNSET}
