"""Budgets keep the catalog's limits in force, also when the ledger refused them once."""

from pathlib import Path

import pytest

from adcascade.bidding.pacer import Pacer
from adcascade.cascade.budgets import Budgets, budget_of
from adcascade.cascade.feed import CatalogFeed
from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.errors import StoreError
from adcascade.events.journal import Journal
from adcascade.money.bank import Bank, Budget
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US
from adcascade.money.ledger import Ledger

CAMPAIGN = Campaign(id="c", advertiser="v", daily_budget_micros=1_000_000)
OTHER = Campaign(id="d", advertiser="w", daily_budget_micros=1_000_000)


def snapshot_of(folder: Path) -> Snapshot:
    """A catalog of one campaign."""
    with CatalogStore(f"sqlite:///{folder / 'catalog.db'}") as store:
        store.put([Advertiser(id="v")], [CAMPAIGN])
        return Snapshot.from_store(store)


def test_refused_limits_are_put_in_force_by_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk does not lose a campaign: the call raises, the next one succeeds with what waited."""
    with Journal(tmp_path / "log.db", commit_every_ms=0) as journal:
        bank = Bank(Ledger(journal), {}, 0)
        budgets = Budgets(snapshot_of(tmp_path), bank, None, control_us=1, now_us=0)

        def full(*_: object) -> None:
            raise StoreError("no space left")

        with monkeypatch.context() as patched:
            patched.setattr(bank, "set_budgets", full)
            with pytest.raises(StoreError):
                budgets.changed([CAMPAIGN], 0)
        budgets.changed([], 1)
        assert bank.reserve("c", "b", 1_000_000, 2, wait=True)
        assert bank.reserve("c", "b2", 1, 3, wait=True) is None


def test_a_control_slot_slows_who_is_ahead_of_the_plan(tmp_path: Path) -> None:
    """Half the budget spent in the first hours lowers alpha; a new day begins with nothing spent."""
    pacer = Pacer()
    with Journal(tmp_path / "log.db", commit_every_ms=0) as journal:
        bank = Bank(Ledger(journal), {}, 0)
        budgets = Budgets(snapshot_of(tmp_path), bank, pacer, control_us=60_000_000, now_us=0)
        assert not budgets.control(59_000_000)
        for hour in range(1, 5):
            budgets.charged("c", 125_000, hour * 3_600_000_000)
            assert budgets.control(hour * 3_600_000_000)
        assert pacer.alpha[0] < 1.0
        assert budgets.spent_today() == {"c": 500_000}
        budgets.charged("c", 1, DAY_US + 5)
        assert budgets.spent_today() == {"c": 1}


def test_days_are_those_of_the_advertisers_zone(tmp_path: Path) -> None:
    """Spent before Tokyo's midnight, 15:00 UTC, is yesterday's after it, and the error is told by campaign days."""
    with CatalogStore(f"sqlite:///{tmp_path / 'catalog.db'}") as store:
        store.put([Advertiser(id="v", timezone="Asia/Tokyo"), Advertiser(id="w")], [CAMPAIGN, OTHER])
        snapshot = Snapshot.from_store(store)
    with Journal(tmp_path / "log.db", commit_every_ms=0) as journal:
        bank = Bank(Ledger(journal), {}, 0)
        budgets = Budgets(snapshot, bank, Pacer(), control_us=60_000_000, now_us=0)
        assert budget_of(CAMPAIGN, snapshot) == Budget(1_000_000, None, "v", timezone="Asia/Tokyo")
        hour = 3_600_000_000
        for campaign in ("c", "d"):
            budgets.charged(campaign, 400_000, 14 * hour)
        assert budgets.spent_today() == {"c": 400_000, "d": 400_000}
        assert budgets.control(15 * hour)
        assert budgets.spent_today() == {"d": 400_000}
        assert budgets.pacing_error()["now"] == pytest.approx((0 + abs(0.4 - 15 / 24)) / 2)


def test_a_changed_advertiser_changes_the_terms_of_its_campaigns(tmp_path: Path) -> None:
    """Prepaid from now on: the feed names its campaigns though they themselves are as they were."""
    with CatalogStore(f"sqlite:///{tmp_path / 'catalog.db'}") as store:
        store.put([Advertiser(id="v"), Advertiser(id="w")], [CAMPAIGN, OTHER])
        feed = CatalogFeed(store, Snapshot.from_store(store))
        store.put([Advertiser(id="v", prepaid=True)])
        feed.prepare()
        campaigns, _ = feed.take()
        assert [campaign.id for campaign in campaigns] == ["c"]
        with Journal(tmp_path / "log.db", commit_every_ms=0) as journal:
            budgets = Budgets(feed.snapshot, Bank(Ledger(journal), {}, 0), None, control_us=1, now_us=0)
            budgets.changed(campaigns, 0)
            assert budgets.bank.reserve("c", "b", 1, 1, wait=True) is None


def test_what_other_processes_charged_counts(tmp_path: Path) -> None:
    """At the end of a slot the ledger's sum is known; what this process charged since is not forgotten for it."""
    with Journal(tmp_path / "log.db", commit_every_ms=0) as journal:
        ledger = Ledger(journal)
        bank = Bank(ledger, {}, 0)
        snapshot = snapshot_of(tmp_path)
        budgets = Budgets(snapshot, bank, Pacer(), control_us=10, now_us=0, spent_of=ledger.spent_today)
        budgets.changed([CAMPAIGN], 0)
        here, there = (Charge(bid, "c", 0, micros, DAY_US, 5, bid) for bid, micros in (("b1", 100), ("b2", 700)))
        ledger.charge([here, there]).result()
        budgets.charged("c", 100, 5)
        budgets.prepare(10)
        assert budgets.control(10)
        assert budgets.spent_today() == {"c": 800}
        budgets.charged("c", 50, 11)
        budgets.prepare(20)
        assert budgets.control(20)
        assert budgets.spent_today() == {"c": 850}
        budgets.prepare(DAY_US)
        assert budgets.control(DAY_US)
        assert budgets.spent_today() == {}
