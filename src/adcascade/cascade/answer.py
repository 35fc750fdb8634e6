"""What goes into and comes out of the service: answers, incoming events and their receipts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from adcascade.cascade.engine import Step
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.events.traffic.source import Source

EventKind = Literal["impression", "viewable", "click", "purchase", "order"]
NoticeKind = Literal["win", "billing", "loss", "error"]
ReceiptStatus = Literal["accepted", "duplicate", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One ad of an answer."""

    token: str  # the signed, expiring resolved bid id: what tracking URLs and events carry
    bid_id: str  # the bid's own id, unique for life
    slot: int  # index into the request's slots
    row: int  # of the ad in the catalog
    ad: Ad
    creative_index: int  # -1: none
    creative: Creative | None
    campaign: Campaign
    advertiser: Advertiser
    price_micros: int  # per billing event, at most the bid
    ecpm_micros: int  # the price per thousand impressions
    ctr: float  # P(click in this slot), calibrated
    cvr: float = float("nan")  # P(conversion | click)
    deal: str = ""  # the deal under which it takes its slot; empty: the open market
    expires_us: int = 0  # until then it may be billed
    position: int | None = None  # from 1, among the ads and organic items of the page; None: the page decides


class Marks(NamedTuple):
    """When the service's parts were done with a request; nanoseconds of its timer."""

    began: int
    featured: int
    sealed: int  # auctioned, reserved and signed
    logged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engine says to one request; winners best first."""

    request_id: str
    winners: tuple[Served, ...]
    no_bid_reason: str = ""  # a short word where there is no winner
    stage_us: Mapping[str, int] = field(default_factory=dict)  # time per stage, microseconds
    steps: tuple[Step, ...] = ()  # what every stage did
    marks: Marks | None = None  # None: the engine did not begin


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingLine:
    """One product of an order; an empty text is not told, and `token` is not yet trusted."""

    product: str
    parent: str = ""
    brand: str = ""
    category: str = ""
    quantity: int = 1
    price_micros: int = 0  # of one
    token: str = ""  # of the ad that the shop credits


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingEvent:
    """What somebody says a shopper did. `token` is not yet trusted.

    id: chosen by the reporter, taken once for life; empty where a tracking URL was called: then the
    bid id names the event, `impression:BID` or `click:BID`. A purchase is one product that an ad is credited
    with; an order is the whole, has no token, and credits nobody by itself.
    """

    id: str
    kind: EventKind
    token: str
    time_us: int
    value_micros: int = 0  # purchase: its value
    anonymous: bool = False  # the user does not want to be known: nothing of this is remembered of anybody
    user: str | None = None  # order: key of the user, None without consent
    lines: tuple[IncomingLine, ...] = ()  # order
    source: Source | None = None  # None: made in this process, and never found invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingNotice:
    """What an exchange says became of a bid. `token` is not yet trusted; what is not told is None or empty."""

    kind: NoticeKind
    token: str
    time_us: int
    price_micros: int | None = None  # at which it was sold, per thousand impressions in `currency`
    currency: str = ""
    seat: str = ""
    loss: int | None = None  # loss reason code, or the code of a player's error
    min_to_win_micros: int | None = None  # per thousand impressions
    bid_ratio: float | None = None  # of the clearing price to our bid
    multiplier: float | None = None  # impressions that one showing counts as, out of home
    seen_us: int | None = None  # when it was shown, as the exchange says


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReceipt:
    """What became of one event."""

    id: str
    status: ReceiptStatus
    reason: str = ""
    charged_micros: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a signed token says."""

    bid_id: str
    url: str  # where a click leads; from the catalog, never from the caller
