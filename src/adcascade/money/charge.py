"""A charge: what one billing event costs its campaign, booked in the transaction that writes the event.

Charges come in batches. What the books know of a batch is read at once, every charge is decided in order by a pure
function, and what it moves is booked at once: a constant number of statements, however many charges.
"""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from adcascade.errors import InputError
from adcascade.events.receipt import ACCEPTED, Booking, Receipt
from adcascade.events.records import Record
from adcascade.money.booking import book
from adcascade.money.facts import Facts, facts_of
from adcascade.money.sql import Connection
from adcascade.money.tables import FEE, LEASE, REVENUE, WALLET, Entry, Kind
from adcascade.money.terms import NO_TERMS, WHOLE_BP

__all__ = ["Charge", "charge_many", "decide", "fee_of"]


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What a signed token promised, to be charged once per `bid_id`.

    lease: the lease that covers it, 0 for a campaign that nothing limits; price_micros: of the event; expires_us:
    when the promise ends; now_us: when the event arrived, by default the time of its record; event: its record's id.
    The event is accepted either way: a charge that is refused says why in the receipt and charges nothing.
    """

    bid_id: str
    campaign: str
    lease: int
    price_micros: int
    expires_us: int
    now_us: int | None = None
    event: str = ""

    def __post_init__(self) -> None:
        if self.price_micros < 0:
            raise InputError("price_micros", self.price_micros, "at least 0")

    @staticmethod
    def book_all(connection: sqlite3.Connection, due: Sequence[tuple[Booking, Record]]) -> list[Receipt]:
        """Charge within the open transaction; the receipts of the records, which are new."""
        return charge_many(connection, [_of_record(charge, record) for charge, record in due])


def charge_many(connection: Connection, charges: Sequence[Charge]) -> list[Receipt]:
    """Charge within the open transaction, each once by its bid id: one receipt a charge."""
    facts = facts_of(connection, charges)
    receipts, entries = decide(charges, facts)
    book(connection, entries)
    return receipts


def decide(charges: Iterable[Charge], facts: Facts) -> tuple[list[Receipt], list[Entry]]:
    """Receipts and bookings of charges in their order; `facts` moves along with them."""
    receipts: list[Receipt] = []
    entries: list[Entry] = []
    for charge in charges:
        receipts.append(_decide(charge, facts, entries))
    return receipts, entries


def fee_of(price_micros: int, fee_bp: int) -> int:
    """The platform's part of a price, rounded down; the publisher's is the rest."""
    return price_micros * fee_bp // WHOLE_BP


def _decide(charge: Charge, facts: Facts, entries: list[Entry]) -> Receipt:
    price, now_us = charge.price_micros, charge.now_us
    if price == 0:
        return ACCEPTED
    before = facts.charged.get(charge.bid_id)
    if before is not None:
        event, micros = before
        same = event == charge.event and event != ""
        return Receipt("accepted", micros) if same else _refused("already charged")
    if now_us is None:
        raise InputError("now_us", None, "when the event arrived")
    if now_us >= charge.expires_us:
        return _refused("the bid id has expired")
    if charge.lease:
        lease = facts.leases.get(charge.lease)
        if lease is None or lease.campaign != charge.campaign:
            return _refused("no such lease")
        if not lease.open:
            return _refused("the lease is closed")
        if lease.remainder < price:
            return _refused("the lease is used up")
        lease.remainder -= price
        advertiser, day, fee_bp, source = lease.advertiser, lease.day, lease.fee_bp, LEASE
    else:
        budget = facts.terms.get(charge.campaign, NO_TERMS).budget
        advertiser, day, fee_bp = budget.advertiser, facts.day_of(charge.campaign, now_us), budget.fee_bp
        source = WALLET + advertiser
        if not facts.take(charge.campaign, day, price):
            return _refused("the budget is used up")
    facts.charged[charge.bid_id] = (charge.event, price)
    fee = fee_of(price, fee_bp)
    parts: tuple[tuple[Kind, str, int], ...] = (("charge", REVENUE, price - fee), ("fee", FEE, fee))
    entries += [
        Entry(
            time_us=now_us,
            kind=kind,
            advertiser=advertiser,
            campaign=charge.campaign,
            day=day,
            source=source,
            target=target,
            micros=micros,
            lease=charge.lease,
            bid_id=charge.bid_id,
            event=charge.event,
        )
        for kind, target, micros in parts
        if micros
    ]
    return Receipt("accepted", price)


def _of_record(charge: Booking, record: Record) -> Charge:
    """The charge with what its record says."""
    assert isinstance(charge, Charge)  # noqa: S101  commits hand a booking to its own type
    now_us = record.time_us if charge.now_us is None else charge.now_us
    if charge.event == record.id and charge.now_us is not None:
        return charge
    return Charge(
        charge.bid_id, charge.campaign, charge.lease, charge.price_micros, charge.expires_us, now_us, record.id
    )


def _refused(reason: str) -> Receipt:
    return Receipt("accepted", 0, reason)
