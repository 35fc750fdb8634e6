"""Intake: what becomes of an event before it is written. Forged, a test, invalid, an order, or one that may bill.

An invalid event is written as `Filtered` beside those that count, and its reporter is told what it would be told of a
valid one: a robot learns nothing. Nobody is charged for it and nothing learns from it; the money that was promised for
its bid is released when the promise expires.
"""

from dataclasses import dataclass
from math import isnan

from adcascade.cascade.answer import EventReceipt, IncomingEvent
from adcascade.cascade.budgets import Budgets
from adcascade.cascade.memory import Memory
from adcascade.cascade.till import TEST, Checked, Till
from adcascade.cascade.watch import Watch
from adcascade.errors import CallerError
from adcascade.events.records import Click, Conversion, Filtered, Impression, Order, Viewable
from adcascade.events.traffic.filter import Told, TrafficFilter
from adcascade.events.traffic.rules import Finding, Kind, repeats


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that is written, and nothing more."""

    record: Order | Filtered
    charge: None = None


Taken = Checked | Noted | EventReceipt  # an event as it will be written, or its receipt where it will not


class Intake:
    """Sorts events. traffic: None takes every genuine one for valid."""

    def __init__(self, till: Till, memory: Memory, traffic: TrafficFilter | None) -> None:
        self.till, self.memory, self.traffic = till, memory, traffic

    def check(self, event: IncomingEvent) -> Taken:
        """The event as it will be written, or its receipt where it will not."""
        try:
            if event.kind == "order":
                return Noted(self.till.order(event))
            checked = self.till.check(event)
        except CallerError as error:
            return EventReceipt(id=event.id, status="rejected", reason=str(error))
        if checked.token.billing == TEST:
            return EventReceipt(id=checked.record.id, status="accepted", reason="a test: not logged")
        return self._judged(event, checked)

    def _judged(self, event: IncomingEvent, checked: Checked) -> Checked | Noted:
        if self.traffic is None or event.source is None:
            return checked
        record, token = checked.record, checked.token
        kind: Kind = "conversion" if isinstance(record, Conversion) else event.kind  # type: ignore[assignment]
        bid = self.memory.bid(token.bid_id)
        told = Told(
            kind=kind, bid_id=token.bid_id, time_us=record.time_us, now_us=self.till.clock_us(), source=event.source
        )
        finding = self.traffic.judge(told, bid)
        if finding is None:
            return checked
        bills = checked.charge is not None and not (bid is not None and repeats(kind, bid))
        return Noted(_filtered(told, checked, finding, token.price_micros if bills else 0))


def _filtered(told: Told, checked: Checked, finding: Finding, unbilled_micros: int) -> Filtered:
    name = checked.record.id
    return Filtered(
        id=name if name.startswith(f"{told.kind}:") else f"{told.kind}:{name}",
        time_us=told.time_us,
        bid_id=told.bid_id,
        kind=told.kind,
        reason=finding.reason,
        detail=finding.detail,
        network="" if told.source is None else told.source.network,
        campaign=checked.token.campaign,
        unbilled_micros=unbilled_micros,
    )


def learn(checked: Checked, charged_micros: int, now_us: int, into: tuple[Memory, Budgets, Watch]) -> None:
    """What serving remembers of an event that is on disk, the first time that it is reported."""
    (memory, budgets, watch), record, campaign = into, checked.record, checked.token.campaign
    if charged_micros:
        budgets.charged(campaign, charged_micros, now_us)
    watch.event(record.time_us, now_us)
    if isinstance(record, Impression | Click):
        bid = memory.seen(record.bid_id, record.time_us)  # a click also proves that the ad was seen
        if bid is not None:
            budgets.tally.seen(bid.row, bid.slot_ctr)
            watch.seen(bid.scenario, bid.predicted, now_us)
    if isinstance(record, Viewable):
        memory.viewable(record.bid_id, record.time_us)
    elif isinstance(record, Click):
        bid = memory.clicked(record.bid_id, budgets.snapshot, record.time_us, anonymous=record.anonymous)
        budgets.tally.clicked(campaign)
        if bid is not None and not isnan(bid.predicted):
            watch.clicked(bid.scenario, now_us)
