"""What goes into and comes out of the service: answers, incoming events and their receipts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from adcascade.cascade.engine import Step
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative

EventKind = Literal["impression", "click", "purchase"]
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
class IncomingEvent:
    """What somebody says a shopper did. `token` is not yet trusted.

    id: chosen by the reporter, taken once for life; empty where a tracking URL was called: then the
    bid id names the event, `impression:BID` or `click:BID`.
    """

    id: str
    kind: EventKind
    token: str
    time_us: int
    value_micros: int = 0  # purchase: its value


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
