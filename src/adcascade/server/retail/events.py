"""POST /v2/events: what shoppers did with the ads. A receipt says accepted only when the event is on disk.

A purchase becomes an order, whoever brought it about, and a conversion for each item that names a bid.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from adcascade.errors import InputError
from adcascade.events.traffic.source import Source
from adcascade.server.backend import Backend, EventKind, EventReceipt, IncomingEvent, IncomingLine
from adcascade.server.metrics import Metrics
from adcascade.server.options import ServerOptions
from adcascade.server.problems import decode
from adcascade.server.reply import Reply
from adcascade.server.retail.consent import permission_of
from adcascade.server.retail.objects import (
    EventsTold,
    Item,
    Purchase,
    PurchaseReceipt,
    ReceiptsTold,
    ReceiptTold,
    Seen,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
REPORTER = Source("reporter")  # the address is the shop's own
MOST_MICROS = 2**62


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
        fates = iter(
            await self._take(
                [
                    *(_seen(event, "impression", known=known) for event in told.impressions),
                    *(_seen(event, "viewable", known=known) for event in told.viewables),
                    *(_seen(event, "click", known=known) for event in told.clicks),
                    *(event for purchase in told.purchases for event in _bought(purchase, known=known)),
                ]
            )
        )
        receipts = ReceiptsTold(
            impressions=[next(fates) for _ in told.impressions],
            viewables=[next(fates) for _ in told.viewables],
            clicks=[next(fates) for _ in told.clicks],
            purchases=[_regrouped(one, [next(fates) for _ in _bought(one, known=known)]) for one in told.purchases],
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
        seen = len(told.impressions) + len(told.viewables) + len(told.clicks)
        size = seen + sum(len(purchase.items) for purchase in told.purchases)
        if not 0 < size <= self._options.max_events:
            raise InputError(
                "body",
                f"{size} events",
                f"1 to {self._options.max_events} impressions, viewables, clicks and purchased items",
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
        source=REPORTER,
    )


def _bought(purchase: Purchase, *, known: bool) -> list[IncomingEvent]:
    """The order, and a conversion for each item that names a bid. known: the shopper may be."""
    time_us = micros(purchase.occurred_at)
    lines = tuple(_line(item) for item in purchase.items)
    order = IncomingEvent(
        id=purchase.id,
        kind="order",
        token="",
        time_us=time_us,
        user=purchase.opaque_user_id if known else None,
        lines=lines,
        value_micros=max(line.quantity * line.price_micros for line in lines),
        source=REPORTER,
    )
    conversions = [
        IncomingEvent(
            id=f"{purchase.id}:{place}",
            kind="purchase",
            token=line.token,
            time_us=time_us,
            value_micros=line.quantity * line.price_micros,
            source=REPORTER,
        )
        for place, line in enumerate(lines)
        if line.token
    ]
    return [order, *conversions]


def _line(item: Item) -> IncomingLine:
    return IncomingLine(
        product=item.product_id,
        parent=item.parent_id,
        brand=item.brand,
        category=item.category,
        quantity=item.quantity,
        price_micros=round(item.unit_price * 1e6),
        token=item.resolved_bid_id or "",
    )


def _reason_against(event: IncomingEvent, latest_us: int) -> str:
    """Why an event cannot be right whatever its token says; empty if it can. Late is right, the future is not."""
    if event.time_us > latest_us:
        return "occurredAt lies in the future; check the clock that wrote it"
    if event.time_us < 0:
        return "occurredAt lies before 1970"
    return "" if event.value_micros < MOST_MICROS else "quantity times unitPrice is too large"


def _regrouped(purchase: Purchase, fates: Sequence[ReceiptTold]) -> PurchaseReceipt:
    """The order's receipt comes first, then those of its conversions."""
    order, conversions = fates[0], iter(fates[1:])
    items = [
        next(conversions)
        if item.resolved_bid_id
        else ReceiptTold(id=f"{purchase.id}:{place}", status=order.status, reason=order.reason)
        for place, item in enumerate(purchase.items)
    ]
    return PurchaseReceipt(id=purchase.id, status=order.status, reason=order.reason, items=items)
