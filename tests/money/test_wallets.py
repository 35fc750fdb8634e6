"""Banks whose campaigns pay beforehand, and whose days are their advertisers' own."""

import msgspec
import pytest

from adcascade.errors import StoreError
from adcascade.events.journal import Journal
from adcascade.money.bank import Bank, BankConfig, Budget
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US
from adcascade.money.ledger import Ledger, Transfer

MINUTE = 60_000_000
HOUR = 60 * MINUTE
CONFIG = BankConfig(ttl_us=10 * MINUTE, lease_us=60 * MINUTE, share=4, prices=2)
PURSE = Budget(advertiser="v", prepaid=True)


def top_up(ledger: Ledger, micros: int, name: str) -> None:
    """Money comes into the wallet of "v"."""
    ledger.transfer(Transfer(id=name, kind="top_up", advertiser="v", micros=micros, time_us=0)).result()


def take_all(bank: Bank, campaign: str, now_us: int, name: str) -> int:
    """Promises of 1 until the bank says no; how many."""
    count = 0
    while bank.reserve(campaign, f"{name}{count}", 1, now_us, wait=True):
        count += 1
    return count


def test_campaigns_and_servers_share_a_wallet_to_the_micro(journal: Journal) -> None:
    """Two campaigns on two banks promise together what the wallet holds, and not one micro more."""
    ledger = Ledger(journal)
    budgets = {"a": PURSE, "b": msgspec.structs.replace(PURSE, daily=1000)}
    one, two = (Bank(ledger, budgets, 0, config=CONFIG, owner=owner) for owner in ("one", "two"))
    top_up(ledger, 77, "t")
    taken = [
        take_all(bank, campaign, MINUTE, f"{campaign}-{owner}-")
        for owner, bank in (("one", one), ("two", two))
        for campaign in ("a", "b")
    ]
    for bank in (one, two):
        bank.close()
    again = take_all(Bank(ledger, budgets, MINUTE, config=CONFIG, owner="three"), "a", MINUTE, "rest")
    assert sum(taken) + again == 77
    assert ledger.verify() == []


def test_a_wallet_that_is_filled_wakes_its_campaigns_within_seconds(journal: Journal) -> None:
    """Both campaigns of the advertiser, told once each; a campaign whose day is spent stays asleep."""
    ledger = Ledger(journal)
    top_up(ledger, 1, "first")
    told: list[tuple[str, bool]] = []
    budgets = {"a": PURSE, "b": PURSE, "spent": msgspec.structs.replace(PURSE, daily=0)}
    bank = Bank(ledger, budgets, 0, config=CONFIG, on_change=lambda name, on: told.append((name, on)))
    for campaign in budgets:
        assert bank.reserve(campaign, campaign, 5, 0, wait=True) is None
    bank.release_expired(1_000_000, wait=True)
    assert bank.exhausted() == set(budgets)
    told.clear()
    top_up(ledger, 50, "second")
    for second in (2, 3):
        bank.release_expired(second * 1_000_000, wait=True)
    assert sorted(told) == [("a", True), ("b", True)]
    assert bank.exhausted() == {"spent"}


def test_a_look_that_the_ledger_refuses_is_counted_and_repeated(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full for a while delays the campaign, no more."""
    ledger = Ledger(journal)
    bank = Bank(ledger, {"a": PURSE}, 0, config=CONFIG)
    assert bank.reserve("a", "b0", 5, 0, wait=True) is None
    top_up(ledger, 50, "t")

    def refuse(*_: object) -> object:
        return journal.transact(_raise)

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "wallets", refuse)
        bank.release_expired(1_000_000, wait=True)
    assert bank.failures == 1
    assert bank.exhausted() == {"a"}
    for second in (2, 3):
        bank.release_expired(second * 1_000_000, wait=True)
    assert bank.exhausted() == frozenset()


def _raise(_: object) -> object:
    raise StoreError("no space left")


def test_the_day_ends_at_the_advertisers_midnight(journal: Journal) -> None:
    """Tokyo's, 15:00 UTC: another lease, another daily budget, and the bank is told by its clock alone."""
    ledger = Ledger(journal)
    budget = Budget(daily=20, advertiser="v", timezone="Asia/Tokyo")
    bank = Bank(ledger, {"c": budget}, 14 * HOUR, config=CONFIG)
    assert take_all(bank, "c", 15 * HOUR - 1, "before") == 20
    assert bank.reserve("c", "no", 1, 15 * HOUR - 1, wait=True) is None
    bank.release_expired(15 * HOUR)
    assert take_all(bank, "c", 15 * HOUR, "after") == 20
    assert [(row["day"], row["leased"]) for row in ledger.report()] == [(0, 20), (1, 20)]


def test_a_change_of_zone_brings_no_second_budget(journal: Journal) -> None:
    """From Tokyo's evening to Auckland's next morning: the day goes on until Auckland's midnight after it."""
    ledger = Ledger(journal)
    budget = Budget(daily=20, advertiser="v", timezone="Asia/Tokyo")
    bank = Bank(ledger, {"c": budget}, 10 * HOUR, config=CONFIG)
    promise = bank.reserve("c", "b", 20, 10 * HOUR, wait=True)
    assert promise is not None
    ledger.charge([Charge("b", "c", promise.lease, 20, promise.expires_us, 10 * HOUR, "e")]).result()
    bank.settle("b")
    bank.set_budgets({"c": msgspec.structs.replace(budget, timezone="Pacific/Auckland")}, 11 * HOUR)
    midnight = DAY_US + 12 * HOUR  # of UTC+12, the first that is not before Tokyo's at 15:00 UTC
    for now_us in (11 * HOUR, 15 * HOUR, midnight - 1):
        bank.release_expired(now_us, wait=True)
        assert bank.reserve("c", f"no{now_us}", 1, now_us, wait=True) is None
        assert (ledger.left("c", now_us).day, ledger.today("v", now_us)) == (0, 0)
    bank.release_expired(midnight, wait=True)
    assert take_all(bank, "c", midnight, "after") == 20
    assert ledger.today("v", midnight) == 2
    assert ledger.verify() == []
