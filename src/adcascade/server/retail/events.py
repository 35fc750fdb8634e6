"""POST /v2/events: what shoppers did with the ads. A receipt says accepted only when the event is on disk."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from adcascade.errors import InputError
from adcascade.server.backend import Backend, EventKind, EventReceipt, IncomingEvent
from adcascade.server.metrics import Metrics
from adcascade.server.options import ServerOptions
from adcascade.server.problems import decode
from adcascade.server.reply import Reply
from adcascade.server.retail.consent import permission_of
from adcascade.server.retail.objects import (
    EventsTold,
    Purchase,
    PurchaseReceipt,
    ReceiptsTold,
    ReceiptTold,
    Seen,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FATES = ("accepted", "duplicate", "rejected")  # best first
UNCREDITED = "names no resolvedBidId, so no ad can be credited"


class EventsEndpoint:
    """All events of a body go to the log in one call."""

    def __init__(self, backend: Backend, options: ServerOptions, metrics: Metrics, clock: Callable[[], int]) -> None:
        self._backend, self._options, self._metrics, self._clock = backend, options, metrics, clock
        self._decoder = msgspec.json.Decoder(EventsTold)

    async def __call__(self, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        """One body of events."""
        told = decode(self._decoder, body)
        known = permission_of(told.consent, headers, self._options.privacy).user
        self._check_size(told)
        events = [
            *(_seen(event, "impression", known=known) for event in told.impressions),
            *(_seen(event, "click", known=known) for event in told.clicks),
            *(event for purchase in told.purchases for event in _items(purchase)),
        ]
        fates = await self._take(events)
        seen = len(told.impressions)
        receipts = ReceiptsTold(
            impressions=fates[:seen],
            clicks=fates[seen : seen + len(told.clicks)],
            purchases=_regrouped(told.purchases, fates[seen + len(told.clicks) :]),
        )
        return Reply(200, msgspec.json.encode(receipts))

    async def _take(self, events: Sequence[IncomingEvent]) -> list[ReceiptTold]:
        """One receipt an event, in order; what is wrong on its face never reaches the log."""
        latest = self._clock() + self._options.future_us
        reasons = [_reason_against(event, latest) for event in events]
        good = [event for event, reason in zip(events, reasons, strict=True) if not reason]
        taken: Sequence[EventReceipt] = await self._backend.accept(good) if good else ()
        fates = iter(taken)
        told = []
        for event, reason in zip(events, reasons, strict=True):
            if reason:
                told.append(ReceiptTold(id=event.id, status="rejected", reason=reason))
            else:
                fate = next(fates)
                told.append(ReceiptTold(id=event.id, status=fate.status, reason=fate.reason))
            self._metrics.event(event.kind, told[-1].status)
        return told

    def _check_size(self, told: EventsTold) -> None:
        size = len(told.impressions) + len(told.clicks) + sum(len(purchase.items) for purchase in told.purchases)
        if not 0 < size <= self._options.max_events:
            raise InputError(
                "body", f"{size} events", f"1 to {self._options.max_events} impressions, clicks and purchased items"
            )


def micros(instant: datetime) -> int:
    """Microseconds since 1970, UTC, exactly."""
    return (instant - EPOCH) // MICROSECOND


def _seen(event: Seen, kind: EventKind, *, known: bool) -> IncomingEvent:
    return IncomingEvent(
        id=event.id,
        kind=kind,
        token=event.resolved_bid_id,
        time_us=micros(event.occurred_at),
        anonymous=not known,
    )


def _items(purchase: Purchase) -> list[IncomingEvent]:
    return [
        IncomingEvent(
            id=f"{purchase.id}:{place}",
            kind="purchase",
            token=item.resolved_bid_id or "",
            time_us=micros(purchase.occurred_at),
            value_micros=item.quantity * round(item.unit_price * 1e6),
        )
        for place, item in enumerate(purchase.items)
    ]


def _reason_against(event: IncomingEvent, latest_us: int) -> str:
    """Why an event cannot be right whatever its token says; empty if it can. Late is right, the future is not."""
    if not event.token:
        return UNCREDITED
    if event.time_us > latest_us:
        return "occurredAt lies in the future; check the clock that wrote it"
    if event.time_us < 0:
        return "occurredAt lies before 1970"
    return "" if event.value_micros < 2**62 else "quantity times unitPrice is too large"


def _regrouped(purchases: Sequence[Purchase], fates: Sequence[ReceiptTold]) -> list[PurchaseReceipt]:
    left = iter(fates)
    grouped = []
    for purchase in purchases:
        items = [next(left) for _ in purchase.items]
        best = min(items, key=lambda item: FATES.index(item.status))
        grouped.append(PurchaseReceipt(id=purchase.id, status=best.status, reason=best.reason, items=items))
    return grouped
