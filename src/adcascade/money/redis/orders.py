"""Orders to the books in Redis: what each script gets, and what its answer means."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adcascade.errors import InputError, StoreError
from adcascade.events.receipt import ACCEPTED, DUPLICATE, Receipt
from adcascade.money.charge import Charge
from adcascade.money.day import Calendar
from adcascade.money.leases import Ask, Grant
from adcascade.money.redis.line import RedisLine, Stale, key, rules_in, rules_out
from adcascade.money.terms import Budget, Left
from adcascade.money.transfers import Charged, Transfer, refund_parts

MOST = 2**53 - 1  # micros that a number of Lua holds exactly
CLOSED_AT_ONCE = 2000

# the words of charge.lua below zero
REFUSALS = {
    -1: Receipt("accepted", 0, "already charged"),
    -2: Receipt("accepted", 0, "the bid id has expired"),
    -3: Receipt("accepted", 0, "no such lease"),
    -4: Receipt("accepted", 0, "the lease is closed"),
    -5: Receipt("accepted", 0, "the lease is used up"),
    -6: Receipt("accepted", 0, "the budget is used up"),
}
STALE = -7


class Claim(msgspec.Struct):
    """A new epoch of an owner."""

    name: str
    now_us: int
    script = "claim"

    def arguments(self, line: RedisLine) -> object:  # noqa: ARG002  nothing need be known
        """See claim.lua."""
        return self.name, self.now_us

    def answer(self, reply: Any, line: RedisLine) -> int:  # noqa: ARG002
        """The epoch."""
        return int(reply)


class SetTerms(msgspec.Struct):
    """Terms in force."""

    budgets: Mapping[str, Budget]
    now_us: int
    script = "terms"

    def arguments(self, line: RedisLine) -> object:
        """See terms.lua. A change of zone follows day.py."""
        line.forget()
        rules: dict[str, tuple[str, str, bool]] = {}
        calendars: dict[str, Calendar] = {}
        for budget in self.budgets.values():
            stored = line.rules(budget.advertiser)
            calendar = (
                rules_in(stored)[1].changed(budget.timezone, self.now_us) if stored else Calendar(budget.timezone)
            )
            rules[budget.advertiser] = (stored, rules_out(budget.prepaid, calendar), budget.prepaid)
            calendars[budget.advertiser] = calendar
        return (
            self.now_us,
            [(advertiser, *rule) for advertiser, rule in rules.items()],
            [
                (
                    campaign,
                    msgspec.json.encode((budget.daily, budget.total, budget.advertiser, budget.fee_bp)).decode(),
                    calendars[budget.advertiser].day(self.now_us).number,
                )
                for campaign, budget in self.budgets.items()
            ],
        )

    def answer(self, reply: Any, line: RedisLine) -> dict[str, Left]:
        """What each campaign is left."""
        line.forget()
        if len(reply) != len(self.budgets):
            raise Stale
        return {campaign: _left(row) for campaign, row in zip(self.budgets, reply, strict=True)}


class ReadLeft(msgspec.Struct):
    """What a campaign is left."""

    campaign: str
    now_us: int
    script = "left"

    def arguments(self, line: RedisLine) -> object:
        """See left.lua."""
        terms = line.terms(self.campaign)
        return self.campaign, terms.calendar.day(self.now_us).number, line.rules(terms.budget.advertiser)

    def answer(self, reply: Any, line: RedisLine) -> Left:  # noqa: ARG002
        """Of day, total and wallet."""
        if not reply:
            raise Stale
        return _left(reply)


class Lend(msgspec.Struct):
    """A grant."""

    ask: Ask
    script = "grant"

    def arguments(self, line: RedisLine) -> object:
        """See grant.lua."""
        ask, terms = self.ask, line.terms(self.ask.campaign)
        day = terms.calendar.day(ask.now_us)
        expires_us = min(ask.expires_us, day.ends_us + ask.ttl_us)
        rules = line.rules(terms.budget.advertiser)
        return ask.epoch, ask.campaign, ask.least, ask.share, expires_us, ask.now_us, day.number, rules

    def answer(self, reply: Any, line: RedisLine) -> Grant:
        """The grant; StoreError for an owner that was replaced."""
        if not reply:
            raise Stale
        if len(reply) == 1:
            raise StoreError(
                f"budgets owner {self.ask.epoch} was replaced by owner {int(reply[0])}; stop this process, "
                "or give it its own owner name"
            )
        lease, granted, expires_us = map(int, reply[:3])
        day = line.terms(self.ask.campaign).calendar.day(self.ask.now_us)
        return Grant(lease=lease, granted=granted, expires_us=expires_us, left=_left(reply[3:]), day=day)


class GiveBack(msgspec.Struct):
    """Money of a lease that is not needed."""

    lease: int
    micros: int
    now_us: int
    script = "give_back"

    def arguments(self, line: RedisLine) -> object:  # noqa: ARG002
        """See give_back.lua."""
        return self.lease, self.micros, self.now_us

    def answer(self, reply: Any, line: RedisLine) -> int:  # noqa: ARG002
        """How much was returned."""
        return int(reply)


class CloseExpired(msgspec.Struct):
    """Leases whose time is over."""

    now_us: int
    closed: dict[int, str] = msgspec.field(default_factory=dict)
    script = "close"

    def arguments(self, line: RedisLine) -> object:  # noqa: ARG002
        """See close.lua."""
        return self.now_us, CLOSED_AT_ONCE

    def answer(self, reply: Any, line: RedisLine) -> dict[int, str]:  # noqa: ARG002
        """Lease -> campaign, once all are closed."""
        self.closed |= {int(lease): campaign.decode() for lease, campaign in zip(reply[::2], reply[1::2], strict=True)}
        if len(reply) == 2 * CLOSED_AT_ONCE:
            raise Stale
        return self.closed


class Book(msgspec.Struct):
    """Charges of one who waits; what was stale is asked for again, alone."""

    charges: Sequence[Charge]
    receipts: dict[int, Receipt] = msgspec.field(default_factory=dict)
    script = "charge"

    def arguments(self, line: RedisLine) -> object:
        """See charge.lua."""
        rows = []
        for charge in self._due():
            if charge.now_us is None:
                raise InputError("now_us", None, "when the event arrived")
            row: tuple[object, ...] = (
                charge.bid_id,
                charge.campaign,
                charge.lease,
                min(charge.price_micros, MOST),
                charge.expires_us,
                charge.now_us,
                charge.event,
            )
            if charge.lease == 0:
                terms = line.terms(charge.campaign)
                row += (terms.calendar.day(charge.now_us).number, line.rules(terms.budget.advertiser))
            rows.append(row)
        return rows

    def answer(self, reply: Any, line: RedisLine) -> list[Receipt]:  # noqa: ARG002
        """One receipt a charge."""
        places = [place for place in range(len(self.charges)) if place not in self.receipts]
        for place, word in zip(places, reply, strict=True):
            if word > 0:
                self.receipts[place] = Receipt("accepted", word)
            elif word != STALE:
                self.receipts[place] = REFUSALS[word] if word else ACCEPTED
        if len(self.receipts) < len(self.charges):
            raise Stale
        return [self.receipts[place] for place in range(len(self.charges))]

    def _due(self) -> list[Charge]:
        return [charge for place, charge in enumerate(self.charges) if place not in self.receipts]


class Pay(msgspec.Struct):
    """A top-up or a payout."""

    order: Transfer
    script = "transfer"

    def arguments(self, line: RedisLine) -> object:
        """See transfer.lua."""
        order = self.order
        day = line.calendar(order.advertiser).day(order.time_us).number
        rules = line.rules(order.advertiser)
        return order.id, order.kind, order.advertiser, order.micros, order.time_us, day, order.note, order.by, rules

    def answer(self, reply: Any, line: RedisLine) -> Receipt:  # noqa: ARG002
        """InputError where the money is not there."""
        if not reply:
            raise Stale
        if reply[0] == b"short":
            raise InputError("micros", self.order.micros, f"at most what is free in the wallet, {int(reply[1])}")
        return DUPLICATE if reply[0] == b"duplicate" else Receipt("accepted", self.order.micros)


class Refund(msgspec.Struct):
    """A refund of one bid."""

    order: Transfer
    micros: int = 0
    script = "refund"

    def arguments(self, line: RedisLine) -> object:
        """See refund.lua. How much is left to refund is read here and compared there."""
        order = self.order
        charged, fee = None, 0
        if line.client.hget(key("transfers"), order.id) is None:
            charged = charged_bid(line, order.bid_id)
            self.micros, fee = refund_parts(charged, order)
        return (
            order.id,
            order.advertiser,
            order.bid_id,
            charged.refunded if charged else 0,
            self.micros,
            fee,
            order.time_us,
            line.calendar(order.advertiser).day(order.time_us).number,
            order.note,
            order.by,
            line.rules(order.advertiser),
            charged.campaign if charged else "",
            charged.lease if charged else 0,
        )

    def answer(self, reply: Any, line: RedisLine) -> Receipt:  # noqa: ARG002
        """What moved."""
        if not reply:
            raise Stale
        return DUPLICATE if reply[0] == b"duplicate" else Receipt("accepted", self.micros)


def charged_bid(line: RedisLine, bid: str) -> Charged | None:
    """What a bid was charged; None: nothing."""
    at = line.client.hget(key("bids"), bid)
    if at is None:
        return None
    price = fee = 0
    about: dict[bytes, bytes] = {}
    for _, fields in line.client.xrange(key("bookings"), f"{int(at)}-0", f"{int(at) + 1}-0"):
        if fields.get(b"bid") == bid.encode() and fields[b"kind"] in (b"charge", b"fee"):
            about = fields
            price += int(fields[b"micros"])
            fee += int(fields[b"micros"]) * (fields[b"kind"] == b"fee")
    return Charged(
        bid,
        about[b"advertiser"].decode(),
        about[b"campaign"].decode(),
        int(about[b"lease"]),
        price,
        fee,
        int(line.client.hget(key("refunds"), bid) or 0),
    )


def _left(row: Sequence[bytes]) -> Left:
    return Left(*(int(word) if word else None for word in row))


def refund_all(line: RedisLine, bids: Sequence[str], like: Transfer) -> dict[str, int]:
    """Refund all that is left of each bid: bid -> micros; each an order of its own, by the id of `like` and the bid."""
    refunded = {}
    for bid in dict.fromkeys(bids):
        charged = charged_bid(line, bid)
        if charged is None or charged.refunded == charged.price:
            continue
        order = msgspec.structs.replace(like, id=f"{like.id}:{bid}", advertiser=charged.advertiser, bid_id=bid)
        (receipt,) = line.perform((Refund(order),))
        if isinstance(receipt, Exception):
            raise receipt
        if isinstance(receipt, Receipt) and receipt.status == "accepted":
            refunded[bid] = receipt.charged_micros
    return refunded
