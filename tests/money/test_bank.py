"""Laws of the bank that do not need a random life (see test_bank_machine.py for those that do)."""

import time
from concurrent.futures import Future

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import InternalError, StoreError
from adcascade.events.journal import Journal
from adcascade.events.records import Click
from adcascade.money.bank import Bank, BankConfig, Budget
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US
from adcascade.money.leases import Ask, Grant
from adcascade.money.ledger import Ledger

MINUTE = 60_000_000
CONFIG = BankConfig(ttl_us=10 * MINUTE, lease_us=60 * MINUTE, share=4, prices=2)


def take_all(bank: Bank, price: int, now_us: int = 0, name: str = "b") -> int:
    """Reserve until the budget says no; how often it said yes."""
    count = 0
    while bank.reserve("c", f"{name}{count}", price, now_us, wait=True):
        count += 1
    return count


@settings(deadline=None, max_examples=30)
@given(budget=st.integers(0, 400), price=st.integers(1, 90))
def test_no_budget_is_stranded(tmp_path_factory: pytest.TempPathFactory, budget: int, price: int) -> None:
    """With grants on the spot, every whole price in the budget can be promised, and not one more."""
    with Journal(tmp_path_factory.mktemp("bank") / "log.db", commit_every_ms=0) as journal:
        bank = Bank(Ledger(journal), {"c": Budget(budget, None)}, 0, config=CONFIG)
        assert take_all(bank, price) == budget // price
        assert bank.spendable("c") == budget % price


def test_promises_come_back_when_they_expire(journal: Journal) -> None:
    """A promise holds its money until ttl_us is over, and then the same money can be promised again."""
    bank = Bank(Ledger(journal), {"c": Budget(100, None)}, 0, config=CONFIG)
    assert take_all(bank, 10) == bank.held == 10
    assert bank.exhausted() == {"c"}
    assert bank.release_expired(CONFIG.ttl_us - 1) == 0
    assert bank.release_expired(CONFIG.ttl_us) == 10
    assert bank.exhausted() == frozenset()
    assert take_all(bank, 10, CONFIG.ttl_us, "again") == 10


def test_a_promise_taken_back_is_free_at_once(journal: Journal) -> None:
    """release returns the money; a second release, or one of an unknown bid, says False."""
    bank = Bank(Ledger(journal), {"c": Budget(10, None)}, 0, config=CONFIG)
    assert bank.reserve("c", "b", 10, 0, wait=True)
    assert bank.release("b")
    assert not bank.release("b")
    assert bank.reserve("c", "b2", 10, 0)


def test_settled_money_is_gone(journal: Journal) -> None:
    """After the charge neither expiry nor a repeated settling brings the money back."""
    ledger = Ledger(journal)
    bank = Bank(ledger, {"c": Budget(10, None)}, 0, config=CONFIG)
    promise = bank.reserve("c", "b", 10, 0, wait=True)
    assert promise is not None
    event = Click(id="e", time_us=5, bid_id="b")
    receipt = journal.submit(event, Charge("b", "c", promise.lease, 10, promise.expires_us)).result()
    assert bank.settle("b", charged_micros=receipt.charged_micros)
    assert not bank.settle("b")
    bank.release_expired(2 * CONFIG.ttl_us)
    assert take_all(bank, 1, 2 * CONFIG.ttl_us) == 0
    assert ledger.spent("c", 0) == 10


def test_a_charge_that_overtakes_the_release_is_put_right(journal: Journal) -> None:
    """The promise expired here while its event was on the way: settling with the lease takes the money out again."""
    bank = Bank(Ledger(journal), {"c": Budget(10, None)}, 0, config=CONFIG)
    promise = bank.reserve("c", "b", 10, 0, wait=True)
    assert promise is not None
    charge = Charge("b", "c", promise.lease, 10, promise.expires_us, CONFIG.ttl_us - 1)
    receipt = journal.submit(Click(id="e", time_us=0, bid_id="b"), charge).result()
    bank.release_expired(CONFIG.ttl_us)
    assert not bank.settle("b", charged_micros=receipt.charged_micros, lease=promise.lease)
    assert bank.reserve("c", "b2", 1, CONFIG.ttl_us, wait=True) is None


def test_without_waiting_the_grant_serves_the_next_request(journal: Journal) -> None:
    """The first reserve of a campaign finds no grant at hand; once it is on disk, reserving needs no waiting."""
    bank = Bank(Ledger(journal), {"c": Budget(100, None)}, 0, config=CONFIG)
    assert bank.reserve("c", "b1", 10, 0) is None
    assert bank.exhausted() == frozenset()
    journal.flush()
    assert bank.reserve("c", "b2", 10, 0) is not None


def test_a_prepared_campaign_need_not_wait(journal: Journal) -> None:
    """After `prepare`, and after midnight, the first promise finds its grant at hand."""
    bank = Bank(Ledger(journal), {"c": Budget(100, None), "free": Budget()}, 0, config=CONFIG)
    bank.prepare([("c", 10), ("free", 10)], 0)
    journal.flush()
    assert bank.reserve("c", "b1", 10, 0) is not None
    bank.release_expired(DAY_US)
    journal.flush()
    assert bank.reserve("c", "b2", 10, DAY_US) is not None


def test_many_campaigns_are_asked_for_in_rounds(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many at once, in order, each once; a promise that comes before its round asks by itself."""
    monkeypatch.setattr("adcascade.money.bank.AT_ONCE", 10)
    names = [f"c{number}" for number in range(25)]
    asked: list[str] = []

    class Listening(Ledger):
        def grant(self, ask: Ask) -> "Future[Grant]":
            asked.append(ask.campaign)
            return super().grant(ask)

    bank = Bank(Listening(journal), dict.fromkeys(names, Budget(100, None)), 0, config=CONFIG)
    bank.prepare([(name, 10) for name in names], 0)
    assert asked == names[:10]
    assert bank.reserve("c24", "early", 10, 0, wait=True) is not None
    for now_us in (1, 2, 3):
        bank.release_expired(now_us)
    assert asked == [*names[:10], "c24", *names[10:24]]
    journal.flush()
    assert all(bank.reserve(name, name, 10, 3) is not None for name in names)


def test_money_that_another_worker_returns_is_found(journal: Journal) -> None:
    """A dry campaign asks the ledger now and then, since nobody tells it what others gave back."""
    ledger = Ledger(journal)
    rich = Bank(ledger, {"c": Budget(20, None)}, 0, config=CONFIG, owner="one")
    poor = Bank(ledger, {"c": Budget(20, None)}, 0, config=CONFIG, owner="two")
    promise = rich.reserve("c", "b", 10, 0, wait=True)
    assert promise is not None
    assert take_all(poor, 10) == 0
    assert ledger.give_back(promise.lease, 10, 0).result() == 10
    poor.release_expired(CONFIG.retry_us - 1, wait=True)
    assert poor.exhausted() == {"c"}
    poor.release_expired(CONFIG.retry_us, wait=True)
    assert poor.exhausted() == frozenset()
    assert take_all(poor, 10, CONFIG.retry_us) == 1


def test_grants_run_ahead_of_need(journal: Journal) -> None:
    """While a lease still has room the next grant is under way, so that patient traffic is never refused."""
    bank = Bank(Ledger(journal), {"c": Budget(10_000, None)}, 0, config=BankConfig(prices=4))
    assert bank.reserve("c", "first", 1, 0, wait=True)
    for number in range(5000):
        journal.flush()
        assert bank.reserve("c", f"b{number}", 1, 0) is not None


def test_a_new_day_brings_a_new_budget(journal: Journal) -> None:
    """A campaign that ran dry wakes at midnight, and its owner is told both times."""
    told: list[tuple[str, bool]] = []
    bank = Bank(
        Ledger(journal), {"c": Budget(20, None)}, 0, config=CONFIG, on_change=lambda *change: told.append(change)
    )
    assert take_all(bank, 10) == 2
    assert told == [("c", False)]
    bank.release_expired(DAY_US)
    assert told == [("c", False), ("c", True)]
    assert bank.spendable("c") == 20
    assert take_all(bank, 10, DAY_US, "next") == 2


def test_no_promise_is_made_on_yesterdays_money(journal: Journal) -> None:
    """What is left of a day's lease is not drawn on after midnight; it goes back to the total budget."""
    ledger = Ledger(journal)
    bank = Bank(ledger, {"c": Budget(100, 150)}, 0, config=CONFIG)
    first = bank.reserve("c", "b", 10, DAY_US - 1, wait=True)
    second = bank.reserve("c", "b2", 10, DAY_US, wait=True)
    assert first is not None
    assert second is not None
    assert first.lease != second.lease
    journal.flush()
    assert ledger.report()[0]["leased"] == 10
    assert bank.spendable("c") == 90


def test_a_successor_cannot_spend_what_the_dead_one_held(journal: Journal) -> None:
    """After a crash the old leases stay debited until they expire; their late clicks are still charged."""
    ledger = Ledger(journal)
    dead = Bank(ledger, {"c": Budget(100, None)}, 0, config=CONFIG)
    promise = dead.reserve("c", "b", 50, 0, wait=True)
    assert promise is not None
    bank = Bank(ledger, {"c": Budget(100, None)}, MINUTE, config=CONFIG)
    assert bank.spendable("c") == 0
    charge = Charge("b", "c", promise.lease, 50, promise.expires_us)
    assert journal.submit(Click(id="e", time_us=2, bid_id="b"), charge).result().charged_micros == 50
    with pytest.raises(StoreError, match="replaced"):
        take_all(dead, 60, MINUTE, "zombie")
    bank.release_expired(CONFIG.lease_us + CONFIG.ttl_us, wait=True)
    assert take_all(bank, 10, CONFIG.lease_us + CONFIG.ttl_us) == 5


def test_a_raised_limit_wakes_the_campaign(journal: Journal) -> None:
    """Limits may change while the bank works; the same limits again change nothing."""
    bank = Bank(Ledger(journal), {"c": Budget(10, None)}, 0, config=CONFIG)
    assert take_all(bank, 10) == 1
    bank.set_budgets({"c": Budget(10, None)}, 0)
    assert bank.exhausted() == {"c"}
    bank.set_budgets({"c": Budget(30, None)}, 0)
    assert bank.exhausted() == frozenset()
    assert take_all(bank, 10, name="more") == 2


def test_a_lowered_limit_takes_the_room_away(journal: Journal) -> None:
    """Room in the lease goes back at once; open promises stay."""
    bank = Bank(Ledger(journal), {"c": Budget(100, None)}, 0, config=CONFIG)
    assert bank.reserve("c", "b", 10, 0, wait=True)
    bank.set_budgets({"c": Budget(10, None)}, 0)
    assert bank.spendable("c") == 0
    assert take_all(bank, 1, name="more") == 0


def test_a_campaign_without_limits_needs_no_lease(journal: Journal) -> None:
    """It can always promise, and spendable says None."""
    bank = Bank(Ledger(journal), {"c": Budget()}, 0, config=CONFIG)
    promise = bank.reserve("c", "b", 10**15, 0)
    assert promise is not None
    assert promise.lease == 0
    assert bank.spendable("c") is None


def test_our_own_mistakes_are_named(journal: Journal) -> None:
    """An unknown campaign and a bid id used twice are faults of the caller inside adcascade."""
    bank = Bank(Ledger(journal), {"c": Budget()}, 0)
    bank.reserve("c", "b", 1, 0)
    with pytest.raises(InternalError, match="set_budgets"):
        bank.reserve("unknown", "b2", 1, 0)
    with pytest.raises(InternalError, match="its own id"):
        bank.reserve("c", "b", 1, 0)


def test_a_refusing_disk_refuses_promises(journal: Journal) -> None:
    """No grant, no promise: waiting raises StoreError, not waiting says None and counts; later it works again."""
    bank = Bank(Ledger(journal), {"c": Budget(100, None), "d": Budget(100, None)}, 0, config=CONFIG)

    def refuse_writes() -> None:
        journal.transact(lambda connection: connection.execute("PRAGMA query_only = 1").fetchall()).result()

    refuse_writes()
    with pytest.raises(StoreError, match="readonly"):
        bank.reserve("c", "b", 10, 0, wait=True)
    refuse_writes()
    assert bank.reserve("d", "b", 10, 0) is None
    for _ in range(1000):
        if bank.failures < 2:
            time.sleep(0.002)
            assert bank.reserve("d", "b", 10, 0) is None
    assert bank.failures == 2
    assert bank.reserve("c", "b", 10, CONFIG.retry_us, wait=True)


def test_the_clock_never_goes_back(journal: Journal) -> None:
    """A request with an older time is treated as of now, so that no promise outlives its lease."""
    bank = Bank(Ledger(journal), {"c": Budget(100, None)}, DAY_US, config=CONFIG)
    promise = bank.reserve("c", "b", 10, 0, wait=True)
    assert promise is not None
    assert promise.expires_us == DAY_US + CONFIG.ttl_us


def test_a_bank_hears_what_was_charged_to_its_lease_elsewhere(journal: Journal) -> None:
    """A click that came to another server is not promised again; one that came here is counted once."""
    ledger = Ledger(journal)
    bank = Bank(ledger, {"c": Budget(100, None)}, 0, config=CONFIG)
    promises = [bank.reserve("c", f"b{number}", 10, 0, wait=True) for number in range(4)]
    for promise, at_home in zip(promises, (True, False, False, False), strict=True):
        assert promise is not None
        event = Click(id=f"e{promise.bid_id}", time_us=1, bid_id=promise.bid_id)
        charge = Charge(promise.bid_id, "c", promise.lease, 10, promise.expires_us)
        assert journal.submit(event, charge).result().charged_micros == 10
        if at_home:
            assert bank.settle(promise.bid_id, charged_micros=10)
    assert bank.spendable("c") == 60  # the promises hold what was charged elsewhere
    for now_us in (CONFIG.ttl_us, CONFIG.ttl_us + 1_000_000):  # the promises expire; the bank looks, then it knows
        bank.release_expired(now_us)
        journal.flush()
    bank.release_expired(CONFIG.ttl_us + 1_000_001)
    assert bank.spendable("c") == 60
    assert take_all(bank, 10, CONFIG.ttl_us + 1_000_001, "more") == 6


def test_a_closed_bank_gives_back_all_but_its_promises(journal: Journal) -> None:
    """The next owner has the budget at hand at once, less what is promised and may still be charged."""
    ledger = Ledger(journal)
    bank = Bank(ledger, {"c": Budget(1000, None)}, 0, config=CONFIG)
    assert bank.reserve("c", "b", 30, 0, wait=True)
    bank.close()
    journal.flush()
    assert Bank(ledger, {"c": Budget(1000, None)}, 1, config=CONFIG).spendable("c") == 970
