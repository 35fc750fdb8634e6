"""What the HTTP shell asks of the engine behind it. `AdService` is one; a test may pass a small honest one.

Only shapes are agreed here: the answer's parts are read-only views, so that the service keeps its own classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.contracts import AdRequest

EventKind = Literal["impression", "click", "purchase"]


class Served(Protocol):
    """One ad of an answer."""

    @property
    def token(self) -> str:
        """The signed, expiring resolved bid id: what tracking URLs and events carry."""
        ...

    @property
    def bid_id(self) -> str:
        """The bid's own id, unique for life."""
        ...

    @property
    def slot(self) -> int:
        """Index into the request's slots."""
        ...

    @property
    def ad(self) -> Ad:
        """What was advertised."""
        ...

    @property
    def creative(self) -> Creative | None:
        """The look that was chosen; None where the ad has none."""
        ...

    @property
    def campaign(self) -> Campaign:
        """Whose budget pays."""
        ...

    @property
    def advertiser(self) -> Advertiser:
        """Who pays."""
        ...

    @property
    def price_micros(self) -> int:
        """Charged per billing event (click or impression)."""
        ...

    @property
    def ecpm_micros(self) -> int:
        """The price per thousand impressions."""
        ...


class Answer(Protocol):
    """What the engine says to one request."""

    @property
    def request_id(self) -> str:
        """The request's id."""
        ...

    @property
    def winners(self) -> Sequence[Served]:
        """The ads, best first; empty means no bid."""
        ...

    @property
    def no_bid_reason(self) -> str:
        """A short word why there is no winner; empty where there is one."""
        ...


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


class Receipt(Protocol):
    """What became of one event."""

    @property
    def id(self) -> str:
        """The event's id."""
        ...

    @property
    def status(self) -> str:
        """One of "accepted", "duplicate" and "rejected"."""
        ...

    @property
    def reason(self) -> str:
        """Why it was rejected; else empty."""
        ...


class Resolved(Protocol):
    """What a signed token says."""

    @property
    def bid_id(self) -> str:
        """The bid that the token names."""
        ...

    @property
    def url(self) -> str:
        """Where a click on the ad leads; from the catalog, never from the caller."""
        ...


class Backend(Protocol):
    """The engine, its durable log and its state."""

    def auction(self, request: AdRequest) -> Answer:
        """Fill a valid request; a few milliseconds, never raises for a valid one."""
        ...

    async def accept(self, events: Sequence[IncomingEvent], /) -> Sequence[Receipt]:
        """Write events; returns one receipt an event, in order, after they are on disk. StoreError: none was taken."""
        ...

    def resolve(self, token: str, /) -> Resolved:
        """What a token names. SignatureError: forged, damaged or expired."""
        ...

    def ready(self) -> str | None:
        """None when ready; else a sentence why not."""
        ...

    def status(self) -> Mapping[str, object]:
        """Numbers, strings and tables (lists of flat dicts) for the status page; freely nested."""
        ...

    @property
    def bundle_version(self) -> str:
        """Version of the bundle that answers now."""
        ...
