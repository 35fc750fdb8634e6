"""A charge: what one billing event costs its campaign, booked in the transaction that writes the event.

Charges come in batches. What the books know of a batch is read at once, every charge is decided in order by a pure
function, and what it moves is booked at once: a constant number of statements, however many charges.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

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
    if not charges:
        return []
    facts = facts_of(connection, charges)
    receipts, entries = decide(charges, facts)
    book(connection, entries)
    return receipts


def decide(charges: Iterable[Charge], facts: Facts) -> tuple[list[Receipt], list[Entry]]:
    """Receipts and bookings of charges in their order; `facts` moves along with them."""
    entries: list[Entry] = []
    return [_decide(charge, facts, entries) for charge in charges], entries


def fee_of(price_micros: int, fee_bp: int) -> int:
    """The platform's part of a price, rounded down; the publisher's is the rest."""
    return price_micros * fee_bp // WHOLE_BP


class Payer(NamedTuple):
    """Who pays a charge, out of which account, on which day, and with which fee."""

    advertiser: str
    source: str
    day: int
    fee_bp: int


def _decide(charge: Charge, facts: Facts, entries: list[Entry]) -> Receipt:
    price, now_us = charge.price_micros, charge.now_us
    if price == 0:
        return ACCEPTED
    before = facts.charged.get(charge.bid_id)
    if before is not None:
        event, micros = before
        return Receipt("accepted", micros) if event == charge.event != "" else _refused("already charged")
    if now_us is None:
        raise InputError("now_us", None, "when the event arrived")
    if now_us >= charge.expires_us:
        return _refused("the bid id has expired")
    payer = _of_lease(charge, facts) if charge.lease else _of_wallet(charge, facts, now_us)
    if isinstance(payer, str):
        return _refused(payer)
    facts.charged[charge.bid_id] = (charge.event, price)
    fee = fee_of(price, payer.fee_bp)
    if price > fee:
        entries.append(_entry(charge, payer, ("charge", REVENUE), price - fee))
    if fee:
        entries.append(_entry(charge, payer, ("fee", FEE), fee))
    return Receipt("accepted", price)


def _of_lease(charge: Charge, facts: Facts) -> Payer | str:
    """Take the price out of the lease, or say why not."""
    lease = facts.leases.get(charge.lease)
    if lease is None or lease.campaign != charge.campaign:
        return "no such lease"
    if not lease.open:
        return "the lease is closed"
    if lease.remainder < charge.price_micros:
        return "the lease is used up"
    lease.remainder -= charge.price_micros
    return Payer(lease.advertiser, LEASE, lease.day, lease.fee_bp)


def _of_wallet(charge: Charge, facts: Facts, now_us: int) -> Payer | str:
    """Without a lease: a campaign that has limits by now still keeps them."""
    budget = facts.terms.get(charge.campaign, NO_TERMS).budget
    day = facts.day_of(charge.campaign, now_us)
    if not facts.take(charge.campaign, day, charge.price_micros):
        return "the budget is used up"
    return Payer(budget.advertiser, WALLET + budget.advertiser, day, budget.fee_bp)


def _entry(charge: Charge, payer: Payer, part: tuple[Kind, str], micros: int) -> Entry:
    return Entry(
        time_us=charge.now_us or 0,
        kind=part[0],
        advertiser=payer.advertiser,
        campaign=charge.campaign,
        day=payer.day,
        source=payer.source,
        target=part[1],
        micros=micros,
        lease=charge.lease,
        bid_id=charge.bid_id,
        event=charge.event,
    )


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
