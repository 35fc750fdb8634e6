"""What a bank knows of one campaign: its lease, what is promised against it, and what it asked for."""

from concurrent.futures import Future
from dataclasses import dataclass, field

import msgspec

from adcascade.money.day import Day, local_day
from adcascade.money.leases import Grant
from adcascade.money.terms import Budget, Left


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """A promise: `price_micros` stay available for this bid until `expires_us`, covered by `lease` (0: no limit)."""

    bid_id: str
    campaign: str
    lease: int
    price_micros: int
    expires_us: int


@dataclass(slots=True)
class Lease:
    """Money taken from a budget beforehand; `room` is what is neither charged nor reserved."""

    id: int
    campaign: str
    starts_us: int
    draw_until_us: int  # the last promise is made before; then it can only be charged
    expires_us: int
    room: int = 0
    taken: int = 0  # granted, less what was returned
    charged: int = 0  # by events that came here
    asked: bool = False  # for more: the ledger may have granted what is not entered yet
    elsewhere: int = 0  # by events that came to others, as far as is known


@dataclass(slots=True)
class Account:
    """One campaign at the bank."""

    campaign: str
    budget: Budget
    left: Left
    today: Day  # that `left` is of; the ledger's word where it granted something
    lease: Lease | None = None
    low: int = 0  # below this room, the next money is asked for ahead
    pending: "Future[Grant] | None" = None
    pending_us: int = 0  # when it was asked for
    price: int = 0  # that it was asked for
    retry_us: int = 0  # the budget gave less than was asked for: ask again then, or on a new day
    short: int | None = None  # the price that could not be covered, while the campaign is dry
    limited: bool = field(init=False)  # budget.limited, at hand: every promise asks

    def __post_init__(self) -> None:
        self.limited = self.budget.limited

    def take_budget(self, budget: Budget) -> None:
        """Other limits are in force."""
        self.budget, self.limited = budget, budget.limited

    def drawable(self, now_us: int) -> Lease | None:
        """The lease, where promises may still be made against it."""
        lease = self.lease
        return lease if lease is not None and lease.starts_us <= now_us < lease.draw_until_us else None

    def may_ask(self, now_us: int) -> bool:
        """Whether asking the ledger again could help."""
        if self.pending is not None:
            return False
        return now_us >= self.retry_us or now_us >= self.today.ends_us

    def begin_day(self, now_us: int) -> bool:
        """Whether a day has begun since: until the ledger is asked, it has its whole daily limit."""
        if now_us < self.today.ends_us:
            return False
        self.left = Left(self.budget.daily, self.left.total, self.left.wallet)
        self.today = local_day(self.budget.timezone, now_us)
        return True

    def take(self, grant: Grant, ttl_us: int) -> Lease | None:
        """Enter what the ledger granted; the lease that was replaced, if one was."""
        self.left, self.today = grant.left, grant.day
        if not grant.lease:
            return None
        replaced = None
        if self.lease is None or self.lease.id != grant.lease:
            replaced = self.lease
            self.lease = Lease(grant.lease, self.campaign, grant.day.begins_us, 0, 0)
        self.lease.expires_us = grant.expires_us
        self.lease.draw_until_us = min(grant.expires_us - ttl_us, grant.day.ends_us)
        self.lease.room += grant.granted
        self.lease.taken += grant.granted
        self.low = grant.granted // 2
        return replaced

    def spendable(self, now_us: int) -> int | None:
        """Micros that could still be promised today; None: no limit."""
        if not self.limited:
            return None
        lease = self.drawable(now_us)
        room = max(0, lease.room) if lease else 0
        if now_us < self.today.ends_us:
            return (self.left.micros() or 0) + room
        return (Left(self.budget.daily, self.left.total, self.left.wallet).micros() or 0) + room
