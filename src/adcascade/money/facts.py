"""Facts: what the books know of a batch of charges before it is decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from adcascade.money.day import Day
from adcascade.money.sql import Connection, rows_of
from adcascade.money.terms import NO_TERMS, Left, Terms, left_many, terms_of


class Due(Protocol):
    """What facts are read for, see charge.py."""

    @property
    def bid_id(self) -> str:
        """Charged once for life."""
        ...

    @property
    def campaign(self) -> str:
        """Who pays."""
        ...

    @property
    def lease(self) -> int:
        """From which lease, 0: from the wallet."""
        ...

    @property
    def now_us(self) -> int | None:
        """When."""
        ...


@dataclass(slots=True)
class LeaseFact:
    """A lease, as the batch has left it so far."""

    advertiser: str
    campaign: str
    day: int
    fee_bp: int
    remainder: int
    open: bool


@dataclass(slots=True)
class Facts:
    """charged: bid id -> (event, price) that it was charged for; terms: of campaigns that are charged without a lease.

    allowed: what is left of the limits that hold, by the names that `limits` gives them.
    """

    charged: dict[str, tuple[str, int]] = field(default_factory=dict)
    leases: dict[int, LeaseFact] = field(default_factory=dict)
    terms: dict[str, Terms] = field(default_factory=dict)
    allowed: dict[tuple[str, str, int], int] = field(default_factory=dict)
    running: dict[str, Day] = field(default_factory=dict)  # of campaigns, the day last asked for

    def day_of(self, campaign: str, now_us: int) -> int:
        """The campaign's day at this instant."""
        day = self.running.get(campaign)
        if day is None or not day.holds(now_us):
            day = self.running[campaign] = self.terms.get(campaign, NO_TERMS).calendar.day(now_us)
        return day.number

    def read_limits(self, connection: Connection, places: Iterable[tuple[str, int]]) -> None:
        """What is left of the limits of campaigns on these days, by their terms here."""
        terms = {place: self.terms.get(place[0], NO_TERMS) for place in places}
        limited = {place: each for place, each in terms.items() if each.budget.limited}
        for (campaign, day), allowed in left_many(connection, limited).items():
            for limit, micros in zip(self.limits(campaign, day), msgspec.structs.astuple(allowed), strict=True):
                if micros is not None:
                    self.allowed[limit] = micros

    def left(self, campaign: str, day: int) -> Left:
        """What the limits that hold for the campaign on that day still allow."""
        budget = self.terms.get(campaign, NO_TERMS).budget
        in_day, in_total, wallet = (self.allowed.get(limit) for limit in self.limits(campaign, day))
        return Left(in_day, in_total, wallet if budget.prepaid else None)

    def take(self, campaign: str, day: int, micros: int) -> bool:
        """Take the micros out of every limit that holds, or out of none where one does not suffice."""
        holding = [limit for limit in self.limits(campaign, day) if limit in self.allowed]
        if any(self.allowed[limit] < micros for limit in holding):
            return False
        for limit in holding:
            self.allowed[limit] -= micros
        return True

    def limits(self, campaign: str, day: int) -> tuple[tuple[str, str, int], ...]:
        """Names of the limits that may hold for the campaign on that day, as Left has them: day, total, wallet."""
        advertiser = self.terms.get(campaign, NO_TERMS).budget.advertiser
        return ("day", campaign, day), ("total", campaign, 0), ("wallet", advertiser, 0)


def facts_of(connection: Connection, charges: Sequence[Due]) -> Facts:
    """What the charges need to know, read at once."""
    facts = Facts()
    numbers = {charge.lease for charge in charges if charge.lease}
    free = {charge.campaign for charge in charges if not charge.lease}
    facts.terms = terms_of(connection, free) if free else {}
    facts.leases = _leases(connection, numbers)
    facts.charged = _charged(connection, [charge.bid_id for charge in charges])
    days = {
        (charge.campaign, facts.day_of(charge.campaign, charge.now_us))
        for charge in charges
        if not charge.lease and charge.now_us is not None
    }
    facts.read_limits(connection, days)
    return facts


def _leases(connection: Connection, numbers: Iterable[int]) -> dict[int, LeaseFact]:
    return {
        number: LeaseFact(advertiser, campaign, day, fee_bp, remainder, bool(is_open))
        for number, advertiser, campaign, day, fee_bp, remainder, is_open in rows_of(
            connection,
            "SELECT id, advertiser, campaign, day, fee_bp, remainder, open FROM leases WHERE id IN (...)",
            numbers,
        )
    }


def _charged(connection: Connection, bids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """What these bids were charged, the fee in it."""
    charged: dict[str, tuple[str, int]] = {}
    rows = rows_of(
        connection,
        "SELECT bid_id, event, micros FROM bookings WHERE kind <> 'refund' AND bid_id IS NOT NULL AND bid_id IN (...)",
        bids,
    )
    for bid, event, micros in rows:
        charged[bid] = (event or "", charged.get(bid, ("", 0))[1] + micros)
    return charged
