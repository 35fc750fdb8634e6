"""Random lives of several servers on one ledger, each with a clock of its own that may be wrong and may jump back.

Wallets are filled and emptied, bids refunded, limits and zones changed, servers vanish or are replaced without knowing
it. Whatever the order: no day, no total and no wallet is overspent by a micro, nothing is charged twice, no money
appears or disappears, and what nobody charged is free again in the end. The twin beside the ledger is a list of what
the receipts said. (In test_bank_machine.py clocks are right, and a promise that is held is kept.)
"""

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, invariant, multiple, rule

from adcascade.errors import InputError, StoreError
from adcascade.events.journal import Journal
from adcascade.events.records import Click
from adcascade.money.bank import Bank, BankConfig, Budget, Reservation
from adcascade.money.books import Books, Transfer
from adcascade.money.charge import Charge, fee_of
from adcascade.money.day import DAY_US
from adcascade.money.ledger import Ledger

MINUTE = 60_000_000
CONFIG = BankConfig(ttl_us=10 * MINUTE, lease_us=30 * MINUTE, share=4, prices=2, retry_us=MINUTE)
FEE_BP = 1234
EARLY = Budget(advertiser="early", prepaid=True, fee_bp=FEE_BP, timezone="Asia/Tokyo")
LATER = Budget(advertiser="later", fee_bp=FEE_BP, timezone="America/New_York")
BUDGETS = {
    "purse": EARLY,
    "purse daily": msgspec.structs.replace(EARLY, daily=60),
    "daily": msgspec.structs.replace(LATER, daily=100),
    "total": msgspec.structs.replace(LATER, total=250),
    "both": msgspec.structs.replace(LATER, daily=90, total=200),
    "free": LATER,
}
OWNERS = ("one", "two", "three")
ZONES = ("Asia/Tokyo", "America/New_York", "Europe/Berlin", "UTC", "Pacific/Kiritimati", "Etc/GMT+12")
LONGEST_SKEW = 26 * 60 * MINUTE

campaigns = st.sampled_from(sorted(BUDGETS))
owners = st.sampled_from(OWNERS)
limits = st.none() | st.integers(0, 150)
Promises = MultipleResults[tuple[str, Reservation]] | tuple[str, Reservation]


class Twin:
    """What receipts said, as plain lists, and every limit that was ever set."""

    def __init__(self) -> None:
        self.charged: dict[str, tuple[str, int]] = {}  # bid -> campaign, micros
        self.refunded: dict[str, int] = defaultdict(int)
        self.moved: dict[str, int] = defaultdict(int)  # top-ups less payouts, by advertiser
        self.daily: dict[str, list[int | None]] = defaultdict(list)
        self.total: dict[str, list[int | None]] = defaultdict(list)

    def set_limits(self, campaign: str, budget: Budget) -> None:
        """Remember what held."""
        self.daily[campaign].append(budget.daily)
        self.total[campaign].append(budget.total)

    def account(self, advertiser: str) -> int:
        """What the advertiser has, or owes: its wallet and what leases took from it."""
        spent = sum(
            micros - self.refunded[bid]
            for bid, (campaign, micros) in self.charged.items()
            if BUDGETS[campaign].advertiser == advertiser
        )
        return self.moved[advertiser] - spent

    def fees(self) -> int:
        """The platform's part of all charges less refunds."""
        return sum(
            fee_of(micros, FEE_BP) - self.refunded[bid] * fee_of(micros, FEE_BP) // micros
            for bid, (_, micros) in self.charged.items()
        )


def highest(limits: list[int | None]) -> float:
    """No limit is the highest."""
    return max(float("inf") if limit is None else limit for limit in limits)


class LedgerMachine(RuleBasedStateMachine):
    """Three owners' servers, dead and alive."""

    promises: Bundle[tuple[str, Reservation]] = Bundle("promises")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.journal = Journal(self.folder / "log.db", commit_every_ms=0)
        self.ledger = self.books()
        self.now_us = 19_000 * DAY_US + 14 * 60 * MINUTE  # an hour before Tokyo's midnight
        self.skew = dict.fromkeys(OWNERS, 0)
        self.number = 0
        self.budgets = dict(BUDGETS)
        self.twin = Twin()
        for campaign, budget in self.budgets.items():
            self.twin.set_limits(campaign, budget)
        self.dead: list[tuple[str, Bank]] = []
        self.banks = {owner: self.bank(owner) for owner in OWNERS}

    def books(self) -> Books:
        """The books under test, empty."""
        return Ledger(self.journal)

    def write(self, event: Click, charge: Charge) -> int:
        """The event is written and charged; micros."""
        return self.journal.submit(event, charge).result().charged_micros

    def clock(self, owner: str) -> int:
        """What this server believes the time to be."""
        return self.now_us + self.skew[owner]

    def bank(self, owner: str) -> Bank:
        """A bank of a process that has just started."""
        return Bank(self.ledger, self.budgets, self.clock(owner), config=CONFIG, owner=owner)

    def teardown(self) -> None:
        """After the last expiry nothing is leased, and all that is left can be promised again, to the micro."""
        self.now_us += 2 * LONGEST_SKEW + CONFIG.lease_us + CONFIG.ttl_us + 3 * DAY_US
        self.ledger.close_expired(self.now_us).result()
        self.books_are_right()
        assert self.ledger.accounts().get("lease", 0) == 0
        heir = Bank(self.ledger, self.budgets, self.now_us, config=CONFIG, owner="heir")
        for campaign, budget in self.budgets.items():
            limits = [budget.daily, None if budget.total is None else budget.total - self.ledger.spent(campaign)]
            limits += [self.ledger.wallets(["early"]).result().get("early", 0)] if budget.prepaid else []
            least = min((max(0, limit) for limit in limits if limit is not None), default=10**6)
            if least:
                assert heir.reserve(campaign, f"last {campaign}", least, self.now_us, wait=True) is not None
            if budget.limited:
                assert heir.reserve(campaign, f"more {campaign}", 1, self.now_us, wait=True) is None
        assert self.ledger.verify() == []
        self.ledger.close()
        self.journal.close()
        shutil.rmtree(self.folder)

    @rule(target=promises, campaign=campaigns, price=st.integers(1, 30), owner=owners, wait=st.booleans())
    def reserve(self, campaign: str, price: int, owner: str, wait: bool) -> Promises:
        """A promise by one of the servers."""
        self.number += 1
        promise = self.banks[owner].reserve(campaign, f"bid{self.number}", price, self.clock(owner), wait=wait)
        return multiple() if promise is None else (owner, promise)

    @rule(target=promises, campaign=campaigns, price=st.integers(1, 30))
    def reserve_from_the_dead(self, campaign: str, price: int) -> Promises:
        """A server that was replaced does not know it; what it promises out of its lease holds."""
        if not self.dead:
            return multiple()
        self.number += 1
        owner, bank = self.dead[-1]
        try:
            promise = bank.reserve(campaign, f"bid{self.number}", price, self.clock(owner), wait=True)
        except StoreError:
            return multiple()
        return multiple() if promise is None else (owner, promise)

    @rule(held=promises, receiver=owners, again=st.sampled_from(["", "-again"]))
    def settle(self, held: tuple[str, Reservation], receiver: str, again: str) -> None:
        """A click, received by any of the servers with its own idea of the time, perhaps for the second time."""
        _, promise = held
        price = promise.price_micros
        charge = Charge(
            promise.bid_id, promise.campaign, promise.lease, price, promise.expires_us, self.clock(receiver)
        )
        event = Click(id=f"click-{promise.bid_id}{again}", time_us=self.now_us, bid_id=promise.bid_id)
        charged = self.write(event, charge)
        self.banks[receiver].settle(promise.bid_id, charged_micros=charged, lease=promise.lease)
        if charged:
            assert charged == price
            assert promise.bid_id not in self.twin.charged
            self.twin.charged[promise.bid_id] = (promise.campaign, charged)

    @rule(held=promises)
    def release(self, held: tuple[str, Reservation]) -> None:
        """The promise is taken back, though somebody may still click."""
        self.banks[held[0]].release(held[1].bid_id)

    @rule(step=st.sampled_from([1, MINUTE, CONFIG.ttl_us, CONFIG.lease_us, 60 * MINUTE, DAY_US]))
    def wait(self, step: int) -> None:
        """Time passes."""
        self.now_us += step

    @rule(owner=owners, skew=st.integers(-LONGEST_SKEW, LONGEST_SKEW))
    def set_clock(self, owner: str, skew: int) -> None:
        """Somebody sets a server's clock, ahead or back."""
        self.skew[owner] = skew

    @rule(owner=owners, waiting=st.booleans())
    def release_expired(self, owner: str, waiting: bool) -> None:
        """A server's regular round."""
        self.banks[owner].release_expired(self.clock(owner), wait=waiting)

    @rule(owner=owners, knows=st.booleans())
    def crash(self, owner: str, knows: bool) -> None:
        """A server is killed and another started; or it hangs, is replaced, and wakes up not knowing it."""
        if not knows:
            self.dead.append((owner, self.banks[owner]))
        self.banks[owner] = self.bank(owner)

    @rule(campaign=campaigns, daily=limits, total=limits, owner=owners)
    def change_limits(self, campaign: str, daily: int | None, total: int | None, owner: str) -> None:
        """An advertiser sets other limits; one server hears of it, the others later."""
        self.budgets[campaign] = msgspec.structs.replace(self.budgets[campaign], daily=daily, total=total)
        self.twin.set_limits(campaign, self.budgets[campaign])
        self.banks[owner].set_budgets({campaign: self.budgets[campaign]}, self.clock(owner))

    @rule(advertiser=st.sampled_from(["early", "later"]), zone=st.sampled_from(ZONES), owner=owners)
    def change_zone(self, advertiser: str, zone: str, owner: str) -> None:
        """An advertiser moves."""
        moved = {
            campaign: msgspec.structs.replace(budget, timezone=zone)
            for campaign, budget in self.budgets.items()
            if budget.advertiser == advertiser
        }
        self.budgets |= moved
        self.banks[owner].set_budgets(moved, self.clock(owner))

    @rule(advertiser=st.sampled_from(["early", "later"]), micros=st.integers(1, 200), repeat=st.booleans())
    def top_up(self, advertiser: str, micros: int, repeat: bool) -> None:
        """Money comes in; an order that is sent twice counts once."""
        self.number += 1
        order = Transfer(
            id=f"in{self.number}", kind="top_up", advertiser=advertiser, micros=micros, time_us=self.now_us
        )
        for _ in range(1 + repeat):
            self.ledger.transfer(order).result()
        self.twin.moved[advertiser] += micros

    @rule(advertiser=st.sampled_from(["early", "later"]), micros=st.integers(1, 200))
    def payout(self, advertiser: str, micros: int) -> None:
        """Money goes out, where it is free."""
        self.number += 1
        order = Transfer(
            id=f"out{self.number}", kind="payout", advertiser=advertiser, micros=micros, time_us=self.now_us
        )
        try:
            self.ledger.transfer(order).result()
        except InputError:
            assert self.ledger.wallets([advertiser]).result().get(advertiser, 0) < micros
        else:
            self.twin.moved[advertiser] -= micros

    @rule(held=promises, micros=st.integers(0, 30))
    def refund(self, held: tuple[str, Reservation], micros: int) -> None:
        """A part of a charge, or what is left of it, goes back; never more."""
        self.number += 1
        bid = held[1].bid_id
        campaign, price = self.twin.charged.get(bid, (held[1].campaign, 0))
        left = price - self.twin.refunded[bid]
        order = Transfer(
            id=f"back{self.number}",
            kind="refund",
            advertiser=BUDGETS[campaign].advertiser,
            micros=micros,
            time_us=self.now_us,
            bid_id=bid,
        )
        try:
            self.twin.refunded[bid] += self.ledger.transfer(order).result().charged_micros
        except InputError:
            assert not left or micros > left

    @invariant()
    def books_are_right(self) -> None:
        """Every sum equals its bookings, all accounts together hold zero, each holds what the receipts said."""
        assert self.ledger.verify() == []
        accounts = self.ledger.accounts()
        assert sum(accounts.values()) == 0
        assert accounts.get("fee", 0) == self.twin.fees()
        leased: dict[str, int] = defaultdict(int)
        days: dict[tuple[str, int], int] = defaultdict(int)
        totals: dict[str, int] = defaultdict(int)
        for row in self.ledger.report():
            leased[BUDGETS[row["campaign"]].advertiser] += row["leased"]
            days[row["campaign"], row["day"]] += row["charged"]
            totals[row["campaign"]] += row["charged"]
        for advertiser in ("early", "later"):
            account = accounts.get(f"wallet:{advertiser}", 0) + leased[advertiser]
            assert account == self.twin.account(advertiser)
        assert self.twin.account("early") >= 0
        for (campaign, _), micros in days.items():
            assert micros <= highest(self.twin.daily[campaign])
        for campaign, micros in totals.items():
            assert micros <= highest(self.twin.total[campaign])
        booked = {row["bid_id"]: (row["campaign"], row["micros"]) for row in self.ledger.charges()}
        assert booked == self.twin.charged


LedgerMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase
