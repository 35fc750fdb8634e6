"""The bodies of the retail API, in the shape that shops know: auctions, then events by resolved bid id."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from adcascade.server.privacy.bits import LONGEST

Id = Annotated[str, Meta(min_length=1, max_length=256)]
Text = Annotated[str, Meta(max_length=1024)]
Token = Annotated[str, Meta(min_length=1, max_length=2048)]
Letters = Annotated[str, Meta(max_length=LONGEST)]
Instant = Annotated[datetime, Meta(tz=True)]


class Style(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Names in camelCase; what equals its default is left out."""


class Consent(Style, frozen=True, kw_only=True):
    """Signals of the page. Without this object a pseudonym that is sent counts as consented to."""

    gdpr: bool | None = None  # whether it applies; a TCF string without this says yes
    tcf: Letters = ""
    gpp: Letters = ""
    gpp_sections: Annotated[list[int], Meta(max_length=64)] | None = None  # that apply; absent: all that are there
    us_privacy: Annotated[str, Meta(max_length=16)] = ""
    gpc: bool = False  # Global Privacy Control; the header Sec-GPC says the same
    coppa: bool = False  # the shopper is a child


class Products(Style, frozen=True, kw_only=True):
    """Products by id."""

    ids: list[Id]


class Category(Style, frozen=True, kw_only=True):
    """A category path of the catalog, such as "sports/shoes"."""

    id: Text


class Dimensions(Style, frozen=True, kw_only=True):
    """Pixels; 0 means any."""

    width: Annotated[int, Meta(ge=0, le=100_000)] = 0
    height: Annotated[int, Meta(ge=0, le=100_000)] = 0


class Place(Style, frozen=True, kw_only=True):
    """Where the shopper is: two letters of ISO 3166."""

    country: Annotated[str, Meta(max_length=64)] = ""


class AuctionAsked(Style, frozen=True, kw_only=True):
    """One set of slots to fill, best slot first."""

    type: Literal["listings", "banners"]
    slots: Annotated[int, Meta(ge=1)]
    products: Products | None = None  # only ads of these products may win
    organic: Products | None = None  # products that the page shows around the slots
    category: Category | None = None
    search_query: Text | None = None
    opaque_user_id: Id | None = None  # a pseudonym; leave it out where there is no consent
    scenario: Text | None = None  # home, search, product page ...
    device: Text | None = None
    geo: Place | None = None
    dimensions: Dimensions | None = None  # banners: their size
    context: dict[str, str | float] | None = None  # further columns that this installation's features name


class AuctionsAsked(Style, frozen=True, kw_only=True):
    """The body of POST /v2/auctions."""

    auctions: Annotated[list[AuctionAsked], Meta(min_length=1)]
    consent: Consent | None = None  # of the shopper, for all of them


class Asset(Style, frozen=True, kw_only=True):
    """A picture of the winner."""

    url: str
    width: int = 0
    height: int = 0


class WinnerTold(Style, frozen=True, kw_only=True, omit_defaults=False):
    """One ad. Report its events under resolvedBidId, or use the URLs; not both."""

    rank: int  # 1 is the best slot
    position: int | None  # from 1, among organic products and ads; null: where the page wants it
    type: Literal["product"]
    id: str  # of the product
    resolved_bid_id: str
    ad_id: str
    campaign_id: str
    vendor_id: str
    title: str
    impression_url: str
    viewable_url: str  # for the data-adcascade-view of an element, beside the script /adcascade.js
    click_url: str
    asset: list[Asset] = []


class ResultTold(Style, frozen=True, kw_only=True, omit_defaults=False):
    """The answer to one auction. error: it failed, and the page should show its organic products.

    reason: a word where nobody won, such as "overload".
    """

    result_type: str
    winners: list[WinnerTold]
    error: bool = False
    reason: str = ""


class ResultsTold(Style, frozen=True, kw_only=True):
    """The answer to POST /v2/auctions, in the order of the auctions."""

    results: list[ResultTold]


class Seen(Style, frozen=True, kw_only=True):
    """An impression, a viewable one, or a click. id: yours, taken once; send it again as often as you like."""

    id: Id
    resolved_bid_id: Token
    occurred_at: Instant  # RFC 3339 with an offset
    opaque_user_id: Id | None = None


class Item(Style, frozen=True, kw_only=True):
    """One line of a purchase. It is credited to the ad that resolvedBidId names; without one, by attribution."""

    product_id: Id
    parent_id: Annotated[str, Meta(max_length=256)] = ""  # product that this one is a variant of
    brand: Annotated[str, Meta(max_length=256)] = ""
    category: Text = ""
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    unit_price: Annotated[float, Meta(ge=0, le=1e9)] = 0.0  # in the currency, not in cents
    resolved_bid_id: Token | None = None


class Purchase(Style, frozen=True, kw_only=True):
    """An order. The items that name a bid are taken as conversions, too, with the ids `ID:0`, `ID:1` ..."""

    id: Id
    occurred_at: Instant
    opaque_user_id: Id | None = None
    items: Annotated[list[Item], Meta(min_length=1)]


class EventsTold(Style, frozen=True, kw_only=True):
    """The body of POST /v2/events."""

    impressions: list[Seen] = []
    viewables: list[Seen] = []
    clicks: list[Seen] = []
    purchases: list[Purchase] = []
    consent: Consent | None = None  # of the shopper; where it objects, events count and are remembered of nobody


class ReceiptTold(Style, frozen=True, kw_only=True):
    """What became of one event: accepted and on disk, known already, or rejected and why."""

    id: str
    status: str
    reason: str = ""


class PurchaseReceipt(Style, frozen=True, kw_only=True):
    """What became of a purchase, and of each item: that of its conversion, or the order's where it has none."""

    id: str
    status: str
    reason: str = ""
    items: list[ReceiptTold] = []


class ReceiptsTold(Style, frozen=True, kw_only=True, omit_defaults=False):
    """The answer to POST /v2/events, in the order of the body."""

    impressions: list[ReceiptTold]
    viewables: list[ReceiptTold]
    clicks: list[ReceiptTold]
    purchases: list[PurchaseReceipt]
