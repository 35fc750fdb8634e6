"""What the HTTP shell asks of the engine behind it. `AdService` is one; a test may pass a small honest one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from adcascade.cascade.answer import (
    Answer,
    EventKind,
    EventReceipt,
    IncomingEvent,
    IncomingLine,
    IncomingNotice,
    Resolved,
    Served,
)
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.explain import Explanation
from adcascade.cascade.readings import Reading
from adcascade.cascade.resold import Resold
from adcascade.cascade.under_other import UnderOther
from adcascade.cascade.why_not import WhyNot
from adcascade.contracts import AdRequest
from adcascade.events.records import AuctionRecord

__all__ = [
    "Answer",
    "Backend",
    "EventKind",
    "EventReceipt",
    "IncomingEvent",
    "IncomingLine",
    "IncomingNotice",
    "Resolved",
    "Served",
]


class Seller(Protocol):
    """What fills requests."""

    def auction(self, request: AdRequest, /) -> Answer:
        """Fill a valid request; a few milliseconds, never raises for a valid one."""
        ...

    def release(self, bid_ids: Iterable[str], /) -> None:
        """Winners of `auction` that are not offered after all: the money promised for them is free again."""
        ...


class Asked(Protocol):
    """What the endpoints ask to fill requests: Admission in front of a Seller."""

    async def auction(self, request: AdRequest, /) -> Answer:
        """Fill a valid request, or decline it."""
        ...

    def release(self, bid_ids: Iterable[str], /) -> None:
        """As the seller's."""
        ...


class Explaining(Protocol):
    """What the pages about single requests ask."""

    async def explain(self, request: AdRequest, /, *, ad: str | None = None, top: int = 10) -> Explanation:
        """How a request would be filled now, leaving no trace. InputError: the ad to follow is not in the catalog."""
        ...

    async def why_not(self, ad: str, from_us: int, to_us: int, /) -> WhyNot:
        """Why an ad was not shown from a time until before another. InputError: it is not in the catalog; BusyError."""
        ...

    def resold(self, record: AuctionRecord, /) -> Resold:
        """A request of the log with the ads' names, and as every rule of the auction would have sold it."""
        ...

    async def under_other(self, record: AuctionRecord, version: str, bundles: Bundles, /) -> UnderOther | None:
        """The same by what another bundle says of its candidates; None where the log keeps none. BundleError."""
        ...


class Backend(Seller, Explaining, Protocol):
    """The engine, its durable log and its state."""

    async def accept(self, events: Sequence[IncomingEvent], /) -> Sequence[EventReceipt]:
        """Write events; returns one receipt an event, in order, after they are on disk. StoreError: none was taken."""
        ...

    def resolve(self, token: str, /) -> Resolved:
        """What a token names. SignatureError: forged, damaged or expired."""
        ...

    async def notice(self, notice: IncomingNotice, /) -> EventReceipt:
        """Log what an exchange says of a bid. SignatureError: forged or damaged; StoreError: it was not taken."""
        ...

    def read_catalog(self) -> None:
        """Read what was written to the catalog; called in a thread beside the requests, some times a second."""
        ...

    def take_catalog(self, now_us: int, /) -> bool:
        """Take in some of what was read, for a few milliseconds, between requests; whether more waits."""
        ...

    def prepare(self) -> None:
        """The slow part of an upkeep, such as loading another bundle; called in a thread beside the requests."""
        ...

    def upkeep(self, now_us: int, /) -> None:
        """What time brings: called about once a second, between requests; quick."""
        ...

    def ready(self) -> str | None:
        """None when ready; else a sentence why not."""
        ...

    def status(self) -> Mapping[str, object]:
        """Numbers, strings and tables (lists of flat dicts) for the status page; freely nested."""
        ...

    def experiment(self) -> Mapping[str, object]:
        """Which experiment has the traffic of this process, its arms and their requests, and what is in its way."""
        ...

    def alarms(self) -> Sequence[Mapping[str, object]]:
        """What is wrong now; each with name, sentence and remedy."""
        ...

    def readings(self) -> Iterable[Reading]:
        """Numbers for the metrics, beside the shell's own."""
        ...

    @property
    def bundle_version(self) -> str:
        """Version of the bundle that answers now."""
        ...
