"""The bank: reservations in process, in front of the ledger.

An answer promises its advertisers' money before it leaves: `reserve` takes the price out of a lease that the
ledger granted durably beforehand, so no promise touches the disk. The billing event settles the promise, time
releases it. Whatever happens to this process, nothing can be overspent: what it held stays debited in the
ledger until its leases expire, and clicks that come late are charged against those leases.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from itertools import takewhile

from adcascade.errors import InternalError, StoreError
from adcascade.money.account import Account, Lease, Reservation
from adcascade.money.bank_config import BankConfig
from adcascade.money.books import Books, answered
from adcascade.money.day import local_day
from adcascade.money.lease_watch import LeaseWatch
from adcascade.money.terms import Budget
from adcascade.money.wallet_watch import WalletWatch

__all__ = ["Bank", "BankConfig", "Budget", "Reservation"]

ANSWER_S = 3.0  # that a running server waits for the ledger
AT_ONCE = 500  # campaigns that are asked for in one round, some milliseconds: a hundred thousand take seconds


class Bank:
    """Promises for many campaigns; one bank per owner name. Any thread may call; time is an argument."""

    def __init__(
        self,
        ledger: Books,
        budgets: Mapping[str, Budget],
        now_us: int,
        *,
        config: BankConfig = BankConfig(),  # noqa: B008  frozen
        owner: str = "server",
        on_change: Callable[[str, bool], None] | None = None,
    ) -> None:
        """Claim the owner's name in the ledger and put `budgets` (by campaign id) in force.

        on_change(campaign, spendable) is called when a campaign runs dry and when it has money again.
        """
        self.config = config
        self.failures = 0  # grants that the disk refused
        self._ledger = ledger
        self._on_change = on_change
        self._lock = threading.RLock()
        self._enter, self._leave = self._lock.acquire, self._lock.release  # `with` costs twice as much
        self._now_us = now_us
        self._ttl_us = config.ttl_us
        self._accounts: dict[str, Account] = {}
        self._leases = LeaseWatch(ledger)
        self._held: dict[str, Reservation] = {}  # in order of expiry, for the clock never goes back
        self._dry: dict[str, Account] = {}
        self._ahead: deque[Iterator[tuple[str, int]]] = deque()  # campaigns to ask for, and the price to expect
        self._closing: Future[dict[int, str]] | None = None
        self._next_day_us = now_us  # no campaign's day ends before
        self._wallets = WalletWatch(ledger)
        self.epoch = ledger.claim(owner, now_us)
        self.set_budgets(budgets, now_us, within_s=None)

    def set_budgets(self, budgets: Mapping[str, Budget], now_us: int, *, within_s: float | None = ANSWER_S) -> None:
        """Put new limits in force, for new campaigns and known ones. Durable when it returns; StoreError: ask again."""
        with self._lock:
            now_us = self._tick(now_us)
            allowed = answered(self._ledger.set_budgets(budgets, now_us), within_s)
            days = {zone: local_day(zone, now_us) for zone in {budget.timezone for budget in budgets.values()}}
            for campaign, budget in budgets.items():
                account = self._accounts.get(campaign)
                if account is None:
                    today = days[budget.timezone]
                    self._accounts[campaign] = Account(campaign, budget, allowed[campaign], today)
                    self._next_day_us = min(self._next_day_us, today.ends_us)
                elif account.budget != budget:
                    self._absorb(account, wait=True)
                    account.take_budget(budget)
                    self._leases.return_room(account.lease, self._now_us)
                    account.left = self._ledger.left(campaign, now_us)
                    self._wake(account)

    def reserve(
        self, campaign: str, bid_id: str, price_micros: int, now_us: int, *, wait: bool = False
    ) -> Reservation | None:
        """Promise the price for this bid; None where the budget does not allow it or no grant is at hand yet.

        wait: ask the ledger on the spot where no grant is at hand (about one commit), for a simulation and for
        the first request after a start; raises StoreError where the disk refuses. Without it the grant is
        asked for and serves later requests. A bid id is reserved once.
        """
        self._enter()
        try:
            if now_us > self._now_us:
                self._now_us = now_us
            else:
                now_us = self._now_us
            account, held = self._accounts.get(campaign), self._held
            if account is None:
                raise InternalError(f"campaign {campaign!r} is unknown to the bank; call set_budgets first")
            if bid_id in held:
                raise InternalError(f"bid {bid_id!r} is reserved already; give every bid its own id")
            lease_id = 0
            if account.limited:
                lease = account.lease
                if (
                    lease is None
                    or lease.room < price_micros + account.low
                    or not lease.starts_us <= now_us < lease.draw_until_us
                ):
                    lease = self._cover(account, price_micros, now_us, wait=wait)
                    if lease is None:
                        return None
                lease.room -= price_micros
                lease_id = lease.id
            held[bid_id] = promise = Reservation(bid_id, campaign, lease_id, price_micros, now_us + self._ttl_us)
            return promise
        finally:
            self._leave()

    def settle(self, bid_id: str, *, charged_micros: int | None = None, lease: int = 0) -> bool:
        """The bid's billing event was booked: its promise is over. False where no such promise is held.

        charged_micros: what the receipt says was charged, by default the whole price; the rest is free again.
        lease: of the token; lets a promise that was released while its event was on the way be put right.
        """
        self._enter()
        try:
            reservation = self._held.pop(bid_id, None)
            if reservation is not None:
                charged = reservation.price_micros if charged_micros is None else charged_micros
                self._leases.free(reservation.lease, reservation.price_micros - charged)
                self._leases.charged(reservation.lease, charged)
                return True
            if charged_micros:
                self._leases.free(lease, -charged_micros)
                self._leases.charged(lease, charged_micros)
            return False
        finally:
            self._leave()

    def release(self, bid_id: str) -> bool:
        """Take a promise back before its time: the answer never left. False where no such promise is held."""
        return self.settle(bid_id, charged_micros=0)

    def release_expired(self, now_us: int, *, wait: bool = False) -> int:
        """Release promises and leases whose time is over; how many promises. Call it about every second.

        wait: return only when the ledger has closed the leases, as a simulation wants it.
        """
        with self._lock:
            now_us = self._tick(now_us)
            released = self._release_promises(now_us)
            self._close_leases(now_us, wait=wait)
            self._ask_ahead(now_us)
            self._begin_days(now_us)
            self._leases.look(now_us)
            self.failures += self._wallets.look(self._dry.values(), now_us, wait=wait)
            for account in list(self._dry.values()):
                self._revive(account, now_us, wait=wait)
            return released

    def close(self) -> None:
        """Give back what no promise holds, so that the budgets need not wait for the leases to expire."""
        with self._lock:
            for account in self._accounts.values():
                self._absorb(account, wait=True)
                self._leases.return_room(account.lease, self._now_us)

    def prepare(self, prices: Iterable[tuple[str, int]], now_us: int) -> None:
        """Ask ahead for campaigns, (id, price to expect), so that their first promise need not wait.

        Of many, `AT_ONCE` are read and asked for now and as many with each `release_expired`; a promise that comes
        before asks by itself.
        """
        with self._lock:
            self._ahead.append(iter(prices))
            self._ask_ahead(self._tick(now_us))

    def _ask_ahead(self, now_us: int) -> None:
        waiting = AT_ONCE
        while waiting and self._ahead:
            campaign, price = next(self._ahead[0], ("", 0))
            if not campaign:
                self._ahead.popleft()
                continue
            account = self._accounts[campaign]
            if account.limited and account.drawable(now_us) is None and account.may_ask(now_us):
                self._ask(account, price, now_us)
            waiting -= 1

    def spendable(self, campaign: str, now_us: int | None = None) -> int | None:
        """Micros that could still be promised today, as far as this bank knows; None: no limit."""
        with self._lock:
            account = self._accounts[campaign]
            self._absorb(account, wait=False)
            return account.spendable(self._now_us if now_us is None else max(now_us, self._now_us))

    def exhausted(self) -> frozenset[str]:
        """Campaigns that could not cover the price last asked of them: stop serving them until they wake."""
        with self._lock:
            return frozenset(self._dry)

    def knows(self, campaign: str) -> bool:
        """Whether its limits are in force; those of a new campaign are not while the ledger cannot be reached."""
        return campaign in self._accounts

    @property
    def held(self) -> int:
        """Number of open promises."""
        return len(self._held)

    def _tick(self, now_us: int) -> int:
        """The bank's clock never goes back."""
        self._now_us = max(self._now_us, now_us)
        return self._now_us

    def _cover(self, account: Account, price: int, now_us: int, *, wait: bool) -> Lease | None:
        """A lease with room for the price; asks for more where that runs low, waits for it only if `wait`."""
        self._absorb(account, wait=False)
        lease = account.drawable(now_us)
        if lease is not None and lease.room >= price:
            if lease.room < price + account.low and account.may_ask(now_us):
                self._ask(account, price, now_us)
            return lease
        if account.may_ask(now_us):
            self._ask(account, price, now_us)
        if account.pending is not None:
            self._absorb(account, wait=wait)
            if account.pending is not None:
                return None
            if wait and account.may_ask(now_us) and account.drawable(now_us) is None:
                self._ask(account, price, now_us)  # the grant on the way was yesterday's
                self._absorb(account, wait=True)
        lease = account.drawable(now_us)
        if lease is not None and lease.room >= price:
            return lease
        self._dry_up(account, price)
        return None

    def _ask(self, account: Account, price: int, now_us: int) -> None:
        account.pending_us, account.price = now_us, price
        if account.lease is not None:
            account.lease.asked = True
        account.pending = self._ledger.grant(self.config.ask(self.epoch, account.campaign, price, now_us))

    def _absorb(self, account: Account, *, wait: bool) -> None:
        """Enter the grant that was asked for, once it is there. Raises StoreError only where the caller waits."""
        pending = account.pending
        if pending is None or not (wait or pending.done()):
            return
        account.pending = None
        if account.lease is not None:
            account.lease.asked = False
        try:
            grant = pending.result()
        except StoreError:
            self.failures += 1
            account.retry_us = account.pending_us + self.config.retry_us
            if wait:
                raise
            return
        replaced = account.take(grant, self.config.ttl_us)
        if account.lease is not None:
            self._leases.add(account.lease)
        self._leases.return_room(replaced, self._now_us)
        exhausted = grant.left.micros() == 0
        account.retry_us = account.pending_us + self.config.retry_us if exhausted else 0

    def _release_promises(self, now_us: int) -> int:
        over = list(takewhile(lambda one: one.expires_us <= now_us, self._held.values()))
        for reservation in over:
            del self._held[reservation.bid_id]
            self._leases.free(reservation.lease, reservation.price_micros)
        return len(over)

    def _close_leases(self, now_us: int, *, wait: bool) -> None:
        """Have the ledger close what is over, of any owner; what it closed is entered now or in the next round."""
        if self._closing is not None and (wait or self._closing.done()):
            self._enter_closed(wait=wait)
        if self._closing is None:
            self._closing = self._ledger.close_expired(now_us - self.config.grace_us)
            if wait:
                self._enter_closed(wait=True)

    def _enter_closed(self, *, wait: bool) -> None:
        """Forget leases that the ledger closed; their campaigns may have money again."""
        closing, self._closing = self._closing, None
        if closing is None:
            return
        try:
            closed = closing.result()
        except StoreError:
            self.failures += 1
            if wait:
                raise
            return
        for number, campaign in closed.items():
            lease = self._leases.pop(number)
            account = self._accounts.get(campaign)
            if account is not None:
                if account.lease is lease:
                    account.lease = None
                self._wake(account)

    def _begin_days(self, now_us: int) -> None:
        """A new day has money for its campaigns; who made promises lately gets a lease before the first request."""
        if now_us < self._next_day_us:
            return
        begun = [account for account in self._accounts.values() if account.begin_day(now_us)]
        self._next_day_us = min((account.today.ends_us for account in self._accounts.values()), default=now_us)
        for account in begun:
            self._wake(account)
        self.prepare([(a.campaign, a.price) for a in begun if a.price and a.lease], now_us)

    def _revive(self, account: Account, now_us: int, *, wait: bool) -> None:
        """Wake a dry campaign that has money again: here, or in the ledger, which is asked now and then."""
        short = account.short or 0
        lease = account.drawable(now_us)
        if (lease is None or lease.room < short) and account.may_ask(now_us):
            self._ask(account, short, now_us)
        self._absorb(account, wait=wait)
        lease = account.drawable(now_us)
        if lease is not None and lease.room >= short:
            self._wake(account)

    def _dry_up(self, account: Account, price: int) -> None:
        account.short = price
        if account.campaign not in self._dry:
            self._dry[account.campaign] = account
            if self._on_change is not None:
                self._on_change(account.campaign, False)

    def _wake(self, account: Account) -> None:
        """There may be money again: ask for it with the next request."""
        account.retry_us = 0
        account.short = None
        if self._dry.pop(account.campaign, None) is not None and self._on_change is not None:
            self._on_change(account.campaign, True)
