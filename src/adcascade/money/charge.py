"""A charge: what one billing event costs its campaign, booked in the transaction that writes the event."""

import sqlite3

import msgspec

from adcascade.errors import InputError
from adcascade.events.receipt import ACCEPTED, Receipt
from adcascade.events.records import Record
from adcascade.money.day import day_of
from adcascade.money.tables import Entry, book, left


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What a signed token promised, to be charged once per `bid_id`.

    lease: the lease that covers it, 0 for a campaign without limits; price_micros: of the event; expires_us:
    when the promise ends; now_us: when the event arrived, by default the time of its record. The event is
    accepted either way: a charge that is refused says why in the receipt and charges nothing.
    """

    bid_id: str
    campaign: str
    lease: int
    price_micros: int
    expires_us: int
    now_us: int | None = None

    def __post_init__(self) -> None:
        if self.price_micros < 0:
            raise InputError("price_micros", self.price_micros, "at least 0")

    def book(self, connection: sqlite3.Connection, record: Record) -> Receipt:
        """Charge within the open transaction; the receipt of `record`, which is new."""
        now_us = record.time_us if self.now_us is None else self.now_us
        if self.price_micros == 0:
            return ACCEPTED
        if now_us >= self.expires_us:
            return _refused("the bid id has expired")
        entry = self._from_budget(connection, now_us) if self.lease == 0 else self._from_lease(connection, now_us)
        if isinstance(entry, str):
            return _refused(entry)
        if not book(connection, msgspec.structs.replace(entry, event=record.id)):
            return _refused("already charged")
        return Receipt("accepted", self.price_micros)

    def _from_lease(self, connection: sqlite3.Connection, now_us: int) -> Entry | str:
        """The booking against the lease, or why there is none."""
        row = connection.execute(
            "SELECT campaign, day, remainder, open FROM leases WHERE id = ?", (self.lease,)
        ).fetchone()
        if row is None or row[0] != self.campaign:
            return "no such lease"
        _, day, remainder, is_open = row
        if not is_open:
            return "the lease is closed"
        if remainder < self.price_micros:
            return "already charged" if self._charged(connection) else "the lease is used up"
        return self._entry(now_us, day, "lease")

    def _from_budget(self, connection: sqlite3.Connection, now_us: int) -> Entry | str:
        """The booking without a lease: a campaign that has limits by now still keeps them."""
        day = day_of(now_us)
        allowed = left(connection, self.campaign, day).micros()
        if allowed is not None and allowed < self.price_micros:
            return "already charged" if self._charged(connection) else "the budget is used up"
        return self._entry(now_us, day, "budget")

    def _entry(self, now_us: int, day: int, source: str) -> Entry:
        return Entry(
            time_us=now_us,
            campaign=self.campaign,
            day=day,
            source=source,
            target="charged",
            micros=self.price_micros,
            lease=self.lease,
            bid_id=self.bid_id,
        )

    def _charged(self, connection: sqlite3.Connection) -> bool:
        return connection.execute("SELECT 1 FROM bookings WHERE bid_id = ?", (self.bid_id,)).fetchone() is not None


def _refused(reason: str) -> Receipt:
    return Receipt("accepted", 0, reason)
