"""Transfers: money that moves by order of a person, each once by its id.

A refund gives back what a bid was charged, once or in parts, out of revenue and fee in the proportion in which they
took it: after r of a price p with the fee f, floor(r f / p) of it came out of the fee, so parts add up to the whole to
the micro. The budget that the charge was counted against stays used.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from adcascade.errors import InputError
from adcascade.events.receipt import DUPLICATE, Receipt
from adcascade.money.booking import book
from adcascade.money.day import Calendar
from adcascade.money.sql import Connection, rows_of
from adcascade.money.tables import FEE, OUTSIDE, REVENUE, WALLET, Entry
from adcascade.money.terms import rules_of, wallet_of


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Money that moves by order of a person. id: chosen by who orders it, taken once for life.

    top_up, payout: between outside and the advertiser's wallet; refund: what `bid_id` was charged, or `micros` of
    it, back into the wallet, never more in all than was charged. micros 0 of a refund: all that is left of it.
    """

    id: str
    kind: Literal["top_up", "payout", "refund"]
    advertiser: str
    micros: int
    time_us: int
    bid_id: str = ""
    note: str = ""
    by: str = ""  # who ordered it


class Charged(msgspec.Struct, frozen=True):
    """What is known of a bid that was charged: in all, the fee of it, and how much of both was refunded."""

    bid_id: str
    advertiser: str
    campaign: str
    lease: int
    price: int
    fee: int
    refunded: int


def transfer(connection: Connection, order: Transfer) -> Receipt:
    """Book a transfer; its receipt says how much moved. InputError where the money is not there."""
    check_transfer(order)
    if connection.execute("SELECT 1 FROM bookings WHERE transfer = ?", (order.id,)).fetchone():
        return DUPLICATE
    if order.kind == "refund":
        return _refund_one(connection, order)
    wallet = WALLET + order.advertiser
    source, target = (OUTSIDE, wallet) if order.kind == "top_up" else (wallet, OUTSIDE)
    if order.kind == "payout" and (free := wallet_of(connection, order.advertiser)) < order.micros:
        raise InputError("micros", order.micros, f"at most what is free in the wallet, {max(0, free)}")
    entry = Entry(
        time_us=order.time_us,
        kind=order.kind,
        advertiser=order.advertiser,
        campaign="",
        day=_calendar(connection, order.advertiser).day(order.time_us).number,
        source=source,
        target=target,
        micros=order.micros,
        transfer=order.id,
        note=order.note,
        by=order.by,
    )
    book(connection, (entry,))
    return Receipt("accepted", order.micros)


def refund_bids(connection: Connection, bids: Sequence[str], reason: str, time_us: int, by: str) -> dict[str, int]:
    """Refund all that is left of these bids, traffic that proved invalid: bid -> micros. Done again, it does nothing.

    reason: becomes the note, and with the bid the id of each transfer. A bid that was never charged is absent.
    """
    if not reason:
        raise InputError("reason", reason, "why, in a few words")
    found = [each for each in charged_bids(connection, bids) if each.refunded < each.price]
    calendars = {name: calendar for name, (_, calendar) in rules_of(connection, {f.advertiser for f in found}).items()}
    entries: list[Entry] = []
    for each in found:
        order = Transfer(
            id=f"{reason}:{each.bid_id}",
            kind="refund",
            advertiser=each.advertiser,
            micros=each.price - each.refunded,
            time_us=time_us,
            note=reason,
            by=by,
        )
        entries += _refund(each, order, calendars.get(each.advertiser, Calendar()))
    book(connection, entries)
    return {each.bid_id: each.price - each.refunded for each in found}


def charged_bids(connection: Connection, bids: Iterable[str]) -> list[Charged]:
    """Those of the bids that were charged."""
    names = list(dict.fromkeys(bids))
    refunded = dict(
        rows_of(
            connection,
            "SELECT bid_id, CAST(sum(micros) AS BIGINT) FROM bookings WHERE kind = 'refund' AND bid_id IN (...)"
            " GROUP BY bid_id",
            names,
        )
    )
    rows = rows_of(
        connection,
        "SELECT bid_id, advertiser, campaign, lease, CAST(sum(micros) AS BIGINT),"
        " CAST(sum(CASE WHEN target = 'fee' THEN micros ELSE 0 END) AS BIGINT) FROM bookings"
        " WHERE kind <> 'refund' AND bid_id IS NOT NULL AND bid_id IN (...)"
        " GROUP BY bid_id, advertiser, campaign, lease",
        names,
    )
    return [
        Charged(bid, advertiser, campaign, lease, price, fee, refunded.get(bid, 0))
        for bid, advertiser, campaign, lease, price, fee in rows
    ]


def check_transfer(order: Transfer) -> None:
    """InputError for an order without an id or of an impossible amount."""
    if not order.id:
        raise InputError("id", order.id, "a text that is not empty", "choose one, and send it again with every retry")
    least = 0 if order.kind == "refund" else 1
    if not least <= order.micros < 2**62:
        raise InputError("micros", order.micros, f"from {least} to 2**62")


def refund_parts(charged: Charged | None, order: Transfer) -> tuple[int, int]:
    """(micros that are refunded, the fee in them); InputError where so much was not charged, or to another."""
    if charged is None:
        raise InputError("bid_id", order.bid_id, "a bid that was charged")
    if charged.advertiser != order.advertiser:
        raise InputError("advertiser", order.advertiser, f"{charged.advertiser!r}, who was charged for this bid")
    remains = charged.price - charged.refunded
    if not 0 < (micros := order.micros or remains) <= remains:
        raise InputError("micros", order.micros, f"at most what is left of the charge, {remains}")
    before = charged.refunded * charged.fee // charged.price
    return micros, (charged.refunded + micros) * charged.fee // charged.price - before


def _refund_one(connection: Connection, order: Transfer) -> Receipt:
    charged = next(iter(charged_bids(connection, (order.bid_id,))), None)
    micros, _ = refund_parts(charged, order)
    assert charged is not None  # noqa: S101  else there are no parts
    whole = msgspec.structs.replace(order, micros=micros)
    book(connection, list(_refund(charged, whole, _calendar(connection, order.advertiser))))
    return Receipt("accepted", micros)


def _refund(charged: Charged, order: Transfer, calendar: Calendar) -> Iterator[Entry]:
    """The bookings of a refund that is covered: out of the fee what is its part, out of revenue the rest."""
    _, fee = refund_parts(charged, order)
    for source, micros in ((REVENUE, order.micros - fee), (FEE, fee)):
        if micros:
            yield Entry(
                time_us=order.time_us,
                kind="refund",
                advertiser=charged.advertiser,
                campaign=charged.campaign,
                day=calendar.day(order.time_us).number,
                source=source,
                target=WALLET + charged.advertiser,
                micros=micros,
                lease=charged.lease,
                bid_id=charged.bid_id,
                transfer=order.id,
                note=order.note,
                by=order.by,
            )


def _calendar(connection: Connection, advertiser: str) -> Calendar:
    _, calendar = rules_of(connection, (advertiser,)).get(advertiser, (False, Calendar()))
    return calendar
