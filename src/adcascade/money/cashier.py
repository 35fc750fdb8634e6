"""The cashier: writes events and sees to it that they are charged, wherever the books lie.

With the books in the journal's own file an event and its charge are one transaction (`JournalCashier`); with books
elsewhere there is an `Outbox` between them.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

import msgspec

from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.events.records import Record
from adcascade.money.charge import Charge

PENDING = Receipt("accepted", 0, "charge pending")


class Charging(Protocol):
    """The one thing that an outbox asks of the books."""

    def charge(self, charges: Sequence[Charge]) -> "Future[list[Receipt]]":
        """Charge, each once by its bid id: one receipt a charge, the same however often it is asked for."""
        ...

    @property
    def trouble(self) -> str:
        """Why the books cannot be reached, "" while they can."""
        ...

    @property
    def promise(self) -> str:
        """A word for the status page: what the books promise of what they answered."""
        ...


class Collected(msgspec.Struct, frozen=True, gc=False):
    """A charge that was pending when its event was acknowledged, and what became of it."""

    charge: Charge
    receipt: Receipt


class Cashier(Protocol):
    """Takes events with what they cost."""

    async def accept(self, records: Sequence[Record], charges: Sequence[Charge | None]) -> list[Receipt]:
        """Write the events, charge them; one receipt each. StoreError: the disk refused, and none was taken."""
        ...

    def accept_now(self, records: Sequence[Record], charges: Sequence[Charge | None]) -> list[Receipt]:
        """As `accept`, waiting in this thread."""
        ...

    def drain(self, now_us: int) -> list[Collected]:
        """Have charges asked for again that are still pending; what was collected since the last call."""
        ...

    def status(self) -> dict[str, object]:
        """Numbers for the status page."""
        ...


class JournalCashier:
    """Books in the journal's file: nothing is ever pending."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def accept(self, records: Sequence[Record], charges: Sequence[Charge | None]) -> list[Receipt]:
        """One transaction."""
        return await self._journal.accept_many(records, charges)

    def accept_now(self, records: Sequence[Record], charges: Sequence[Charge | None]) -> list[Receipt]:
        """One transaction, on disk when it returns."""
        return self._journal.append(records, charges)

    def drain(self, now_us: int) -> list[Collected]:  # noqa: ARG002  an outbox needs the time
        """Nothing."""
        return []

    def status(self) -> dict[str, object]:
        """Nothing that the journal does not say."""
        return {}
