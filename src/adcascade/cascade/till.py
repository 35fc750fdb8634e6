"""The till: promises before the answer leaves, charges when the billing event comes.

A winner's price is reserved with the bank and sealed into its token; the event that bills it carries the token
back and is charged in the transaction that writes it. Nothing is looked up, so a click survives a restart.
"""

from collections.abc import Callable
from dataclasses import dataclass

from adcascade.cascade.answer import IncomingEvent
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Candidates
from adcascade.errors import InputError, SignatureError
from adcascade.events.receipt import Receipt
from adcascade.events.records import Click, Conversion, Event, Impression, Order, OrderLine, Viewable
from adcascade.events.token import BidToken, Signer
from adcascade.money.bank import Bank, Reservation
from adcascade.money.cashier import PENDING
from adcascade.money.charge import Charge

TEST = "test"  # billing of what must not be billed
AHEAD_US = 300_000_000  # a reporter's clock may be ahead by so much


@dataclass(frozen=True, slots=True)
class Checked:
    """An event whose token was genuine."""

    token: BidToken
    record: Event
    charge: Charge | None


class Till:
    """Reserves, seals and checks. wait: a reservation may wait for the ledger (in a simulation, not in a server)."""

    def __init__(
        self, bank: Bank, signer: Signer, snapshot: Snapshot, clock_us: Callable[[], int], *, wait: bool
    ) -> None:
        self.bank, self.signer, self.snapshot, self.clock_us, self.wait = bank, signer, snapshot, clock_us, wait

    def hold(self, winners: Candidates, auction: str, now_us: int) -> list[Reservation | None]:
        """A reservation per winner, None where the campaign's money does not suffice."""
        return [
            self._reserve(self.snapshot.campaigns[self.snapshot.campaign[ad]].id, bid_id(auction, slot), price, now_us)
            for ad, slot, price in zip(winners.ad.tolist(), winners.slot.tolist(), winners.price.tolist(), strict=True)
        ]

    def _reserve(self, campaign: str, bid: str, price: int, now_us: int) -> Reservation | None:
        """None also for a campaign whose limits the ledger could not be told yet."""
        if not self.bank.knows(campaign):
            return None
        return self.bank.reserve(campaign, bid, price, now_us, wait=self.wait)

    def pretend(self, winners: Candidates, auction: str, now_us: int) -> list[Reservation]:
        """Reservations of nothing, for a test request."""
        campaigns = self.snapshot.campaigns
        return [
            Reservation(bid_id(auction, slot), campaigns[self.snapshot.campaign[ad]].id, 0, price, now_us)
            for ad, slot, price in zip(winners.ad.tolist(), winners.slot.tolist(), winners.price.tolist(), strict=True)
        ]

    def release(self, reservations: list[Reservation | None]) -> None:
        """The answer does not leave with these."""
        for reservation in reservations:
            if reservation is not None:
                self.bank.release(reservation.bid_id)

    def seal(
        self, ad: int, slot: int, creative: int, reservation: Reservation, *, deal: str = "", test: bool = False
    ) -> str:
        """The resolved bid id of an ad that won a slot; the events of a test's are answered and forgotten."""
        billing = "click" if self.snapshot.billing_click[ad] else "impression"
        return self.signer.seal(
            BidToken(
                bid_id=reservation.bid_id,
                campaign=reservation.campaign,
                ad=ad,
                slot=slot,
                creative=creative,
                price_micros=reservation.price_micros,
                billing=TEST if test else billing,
                lease=reservation.lease,
                expires_us=reservation.expires_us,
                deal=deal,
            )
        )

    def check(self, event: IncomingEvent) -> Checked:
        """The record and charge of an event; SignatureError for a bad token, InputError for an impossible time."""
        now_us = self.clock_us()
        token = self.signer.open(event.token, now_us, late=True)
        _check_time(event.time_us, now_us)
        record = _record(event, token)
        bills = event.kind == token.billing
        charge = None
        if bills:
            charge = Charge(
                bid_id=token.bid_id,
                campaign=token.campaign,
                lease=token.lease,
                price_micros=token.price_micros,
                expires_us=token.expires_us,
                now_us=now_us,
                event=record.id,
            )
        return Checked(token, record, charge)

    def order(self, event: IncomingEvent) -> Order:
        """The record of an order; a line whose token is forged credits nobody. InputError for an impossible time."""
        now_us = self.clock_us()
        _check_time(event.time_us, now_us)
        lines = tuple(
            OrderLine(
                product=line.product,
                parent=line.parent,
                brand=line.brand,
                category=line.category,
                quantity=line.quantity,
                price_micros=line.price_micros,
                bid_id=self._named(line.token, now_us),
            )
            for line in event.lines
        )
        return Order(id=event.id, time_us=event.time_us, user=event.user, lines=lines)

    def _named(self, text: str, now_us: int) -> str:
        """Bid id of a genuine token, else ""."""
        if not text:
            return ""
        try:
            token = self.signer.open(text, now_us, late=True)
        except SignatureError:
            return ""
        return "" if token.billing == TEST else token.bid_id

    def settle(self, checked: Checked, receipt: Receipt) -> None:
        """The event is on disk: its reservation is over. What is pending counts as charged, for it will be."""
        if checked.charge is not None and receipt.status == "accepted":
            micros = checked.token.price_micros if receipt.reason == PENDING.reason else receipt.charged_micros
            self.bank.settle(checked.token.bid_id, charged_micros=micros, lease=checked.token.lease)

    def landing(self, token: str) -> tuple[str, str]:
        """Bid id and landing page of a token that may have expired; SignatureError where the ad is gone."""
        opened = self.signer.open(token, self.clock_us(), late=True)
        ad = self.snapshot.ads[opened.ad] if 0 <= opened.ad < self.snapshot.n else None
        if ad is None:
            raise SignatureError("the ad of this bid id was removed from the catalog")
        return opened.bid_id, ad.url


def bid_id(auction: str, slot: int) -> str:
    """Id of a bid, unique for life because the auction's is."""
    return f"{auction}.{slot}"


def _check_time(time_us: int, now_us: int) -> None:
    if not 0 <= time_us <= now_us + AHEAD_US:
        raise InputError("time", time_us, "a time since 1970 that is not in the future", "check the clock")


def _record(event: IncomingEvent, token: BidToken) -> Event:
    name = event.id or f"{event.kind}:{token.bid_id}"
    if event.kind == "impression":
        return Impression(id=name, time_us=event.time_us, bid_id=token.bid_id)
    if event.kind == "viewable":
        return Viewable(id=name, time_us=event.time_us, bid_id=token.bid_id)
    if event.kind == "click":
        return Click(id=name, time_us=event.time_us, bid_id=token.bid_id, anonymous=event.anonymous)
    return Conversion(id=name, time_us=event.time_us, bid_id=token.bid_id, value_micros=event.value_micros)
