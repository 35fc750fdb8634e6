"""Random lives of banks: whatever the order of promises, clicks, crashes and days, no budget is overspent.

The twin beside the ledger is a list of what the receipts said was charged and of the limits that were set.
"""

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, consumes, invariant, multiple, rule

from adcascade.errors import StoreError
from adcascade.events.journal import Journal
from adcascade.events.records import Click
from adcascade.money.bank import Bank, BankConfig, Budget, Reservation
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US, day_of
from adcascade.money.ledger import Ledger

MINUTE = 60_000_000
BUDGETS = {
    "daily": Budget(100, None),
    "total": Budget(None, 250),
    "both": Budget(90, 200),
    "tiny": Budget(7, None),
    "free": Budget(),
}
CONFIG = BankConfig(ttl_us=10 * MINUTE, lease_us=30 * MINUTE, share=4, prices=2, retry_us=MINUTE)

campaigns = st.sampled_from(sorted(BUDGETS))
limits = st.none() | st.integers(0, 150)


Promises = MultipleResults[tuple[Bank, Reservation]] | tuple[Bank, Reservation]


class Twin:
    """Limits and charges as plain lists."""

    def __init__(self) -> None:
        self.limits: list[tuple[int, str, Budget]] = []
        self.charged: dict[str, tuple[str, int, int]] = {}  # bid -> campaign, day, micros

    def set_limits(self, now_us: int, budgets: dict[str, Budget]) -> None:
        """Put limits in force."""
        self.limits += [(now_us, campaign, budget) for campaign, budget in budgets.items()]

    def allowed(self, campaign: str, day: int) -> float:
        """The highest daily limit at any instant of the day."""
        history = [(since, budget.daily) for since, name, budget in self.limits if name == campaign]
        in_force = [daily for since, daily in history if day_of(since) == day and since > day * DAY_US]
        in_force += [daily for since, daily in history if since <= day * DAY_US][-1:]
        return max(float("inf") if daily is None else daily for daily in in_force)

    def check(self) -> None:
        """Not one micro above a limit."""
        days: dict[tuple[str, int], int] = defaultdict(int)
        totals: dict[str, int] = defaultdict(int)
        for campaign, day, micros in self.charged.values():
            days[campaign, day] += micros
            totals[campaign] += micros
        for (campaign, day), micros in days.items():
            assert micros <= self.allowed(campaign, day), (campaign, day)
        for campaign, micros in totals.items():
            ever = [budget.total for _, name, budget in self.limits if name == campaign]
            assert micros <= max(float("inf") if total is None else total for total in ever), campaign


class BankMachine(RuleBasedStateMachine):
    """One server that crashes now and then, one other worker, and banks of dead servers that do not know it."""

    promises: Bundle[tuple[Bank, Reservation]] = Bundle("promises")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.journal = Journal(self.folder / "log.db", commit_every_ms=0)
        self.ledger = Ledger(self.journal)
        self.now_us = 19_000 * DAY_US + 23 * 60 * MINUTE
        self.number = 0
        self.twin = Twin()
        self.budgets = dict(BUDGETS)
        self.changed: set[str] = set()  # campaigns whose limits were altered
        self.dead: list[Bank] = []
        self.twin.set_limits(self.now_us, self.budgets)
        self.server = self.bank("server")
        self.worker = self.bank("worker")

    def bank(self, owner: str) -> Bank:
        """A bank of a process that has just started."""
        return Bank(self.ledger, self.budgets, self.now_us, config=CONFIG, owner=owner)

    def teardown(self) -> None:
        """When everything is over, all that was not charged is free again."""
        self.now_us += CONFIG.lease_us + CONFIG.ttl_us + DAY_US
        self.ledger.close_expired(self.now_us).result()
        for campaign, budget in self.budgets.items():
            left = self.ledger.left(campaign, self.now_us)
            assert left.day == budget.daily
            if budget.total is not None:
                assert left.total == budget.total - self.ledger.spent(campaign)
        assert self.ledger.verify() == []
        self.journal.close()
        shutil.rmtree(self.folder)

    @rule(target=promises, campaign=campaigns, price=st.integers(0, 30), worker=st.booleans(), wait=st.booleans())
    def reserve(self, campaign: str, price: int, worker: bool, wait: bool) -> Promises:
        """A promise of the server or the worker."""
        self.number += 1
        bank = self.worker if worker else self.server
        promise = bank.reserve(campaign, f"bid{self.number}", price, self.now_us, wait=wait)
        if not self.budgets[campaign].limited:
            assert promise is not None
        return multiple() if promise is None else (bank, promise)

    @rule(target=promises, campaign=campaigns, price=st.integers(0, 30))
    def reserve_from_the_dead(self, campaign: str, price: int) -> Promises:
        """A bank whose name was claimed by another may spend its lease, but gets nothing more."""
        if not self.dead:
            return multiple()
        self.number += 1
        try:
            promise = self.dead[-1].reserve(campaign, f"bid{self.number}", price, self.now_us, wait=True)
        except StoreError:
            return multiple()
        return multiple() if promise is None else (self.dead[-1], promise)

    def click(self, promise: Reservation, event: str) -> int:
        """The event goes into the log with its charge; what was charged."""
        charge = Charge(
            promise.bid_id, promise.campaign, promise.lease, promise.price_micros, promise.expires_us, self.now_us
        )
        record = Click(id=event, time_us=self.now_us, bid_id=promise.bid_id)
        return self.journal.submit(record, charge).result().charged_micros

    @rule(held=promises, again=st.sampled_from(["", "-again"]))
    def settle(self, held: tuple[Bank, Reservation], again: str) -> None:
        """A click of a promise, perhaps long after, perhaps for the second time under its own or another id."""
        bank, promise = held
        first = promise.bid_id not in self.twin.charged
        charged = self.click(promise, f"click-{promise.bid_id}{again}")
        alive = bank in (self.server, self.worker) and promise.campaign not in self.changed
        released = not bank.settle(promise.bid_id, charged_micros=charged, lease=promise.lease)
        if charged:
            assert first
            assert charged == promise.price_micros
            assert self.now_us < promise.expires_us
            day = day_of(self.now_us if promise.lease == 0 else promise.expires_us - CONFIG.ttl_us)
            self.twin.charged[promise.bid_id] = (promise.campaign, day, charged)
        elif first and alive and not released and self.now_us < promise.expires_us:
            assert promise.price_micros == 0, "a promise that is held was not kept"

    @rule(held=consumes(promises))
    def release(self, held: tuple[Bank, Reservation]) -> None:
        """The answer never left: its promise is taken back and never clicked."""
        held[0].release(held[1].bid_id)

    @rule(step=st.sampled_from([1, MINUTE, CONFIG.ttl_us - 1, CONFIG.ttl_us, CONFIG.lease_us, 60 * MINUTE, DAY_US]))
    def wait(self, step: int) -> None:
        """Time passes."""
        self.now_us += step

    @rule(waiting=st.booleans(), worker=st.booleans())
    def release_expired(self, waiting: bool, worker: bool) -> None:
        """The owner's regular round."""
        (self.worker if worker else self.server).release_expired(self.now_us, wait=waiting)

    @rule()
    def crash(self) -> None:
        """The server is killed; its successor opens the same file. The old one may not know that it is dead."""
        self.dead.append(self.server)
        self.server = self.bank("server")

    @rule(campaign=campaigns, daily=limits, total=limits)
    def change_limits(self, campaign: str, daily: int | None, total: int | None) -> None:
        """The advertiser sets other limits, also below what is promised already."""
        self.budgets[campaign] = Budget(daily, total)
        self.changed.add(campaign)
        self.twin.set_limits(self.now_us, {campaign: self.budgets[campaign]})
        for bank in (self.server, self.worker):
            bank.set_budgets({campaign: self.budgets[campaign]}, self.now_us)

    @invariant()
    def books_are_right(self) -> None:
        """Every sum equals its bookings, no limit is exceeded, and the ledger charged what the receipts said."""
        assert self.ledger.verify() == []
        self.twin.check()
        booked = {row["bid_id"]: (row["campaign"], row["day"], row["micros"]) for row in self.ledger.charges()}
        assert booked == self.twin.charged


BankMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestBankMachine = BankMachine.TestCase
