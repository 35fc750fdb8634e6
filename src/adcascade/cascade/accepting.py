"""Accepting: an event becomes a receipt.

token -> record and charge -> on disk -> profiles, live calibration, budgets and alarms learn of it
"""

from collections.abc import Sequence

from adcascade.cascade.answer import EventReceipt, IncomingEvent
from adcascade.cascade.intake import Intake, Noted, Taken, learn
from adcascade.cascade.parts import Parts
from adcascade.cascade.tally import Tally
from adcascade.cascade.till import Checked
from adcascade.events.receipt import Receipt


class Accepting:
    """Takes events in."""

    def __init__(self, parts: Parts, tally: Tally) -> None:
        self.parts, self.tally = parts, tally
        self.intake = Intake(parts.till, parts.memory, parts.traffic)

    async def accept(self, events: Sequence[IncomingEvent], /) -> list[EventReceipt]:
        """Write events; receipts come when they are on disk. StoreError: none of them was taken."""
        checked = [self.intake.check(event) for event in events]
        good = self._good(checked)
        receipts = await self.parts.cashier.accept([c.record for c in good], [c.charge for c in good])
        return self._receipts(checked, receipts)

    def accept_now(self, events: Sequence[IncomingEvent]) -> list[EventReceipt]:
        """As `accept`, waiting for the disk in this thread."""
        checked = [self.intake.check(event) for event in events]
        good = self._good(checked)
        receipts = self.parts.cashier.accept_now([c.record for c in good], [c.charge for c in good])
        return self._receipts(checked, receipts)

    def _good(self, checked: Sequence[Taken]) -> list[Checked | Noted]:
        good = [one for one in checked if not isinstance(one, EventReceipt)]
        for one in good:
            self.parts.wrote(one.record)
        return good

    def _receipts(self, checked: Sequence[Taken], receipts: Sequence[Receipt]) -> list[EventReceipt]:
        written = iter(receipts)
        answers = []
        for one in checked:
            answer = one if isinstance(one, EventReceipt) else self._learn(one, next(written))
            self.tally.event(answer)
            answers.append(answer)
        return answers

    def _learn(self, checked: Checked | Noted, receipt: Receipt) -> EventReceipt:
        """An event is on disk: settle it, and learn from it the first time."""
        parts, record = self.parts, checked.record
        if receipt.status == "accepted" and isinstance(checked, Checked):
            parts.till.settle(checked, receipt)
            learn(checked, receipt.charged_micros, parts.clock_us(), (parts.memory, parts.budgets, parts.outlook.watch))
        elif parts.follower is not None and receipt.status == "duplicate":
            parts.follower.withdrew(type(record), record.id)
        return EventReceipt(
            id=record.id, status=receipt.status, reason=receipt.reason, charged_micros=receipt.charged_micros
        )
