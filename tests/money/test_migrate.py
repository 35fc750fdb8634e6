"""An installation that comes from the first ledger keeps every micro."""

import sqlite3
from pathlib import Path

import pytest

from adcascade.errors import StoreError
from adcascade.events.journal import Journal
from adcascade.events.records import Click
from adcascade.money.charge import Charge
from adcascade.money.ledger import Ask, Budget, Ledger

DAY_US = 86_400_000_000

OLD = """
CREATE TABLE owners (epoch INTEGER PRIMARY KEY, name TEXT NOT NULL, since_us INTEGER NOT NULL);
CREATE TABLE budgets (number INTEGER PRIMARY KEY, campaign TEXT NOT NULL, since_us INTEGER NOT NULL, daily INTEGER,
    total INTEGER);
CREATE INDEX budgets_campaign ON budgets (campaign, number);
CREATE TABLE leases (id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, day INTEGER NOT NULL, epoch INTEGER NOT NULL,
    remainder INTEGER NOT NULL CHECK (remainder >= 0), expires_us INTEGER NOT NULL, open INTEGER NOT NULL);
CREATE INDEX leases_open ON leases (expires_us) WHERE open;
CREATE UNIQUE INDEX leases_owner ON leases (campaign, day, epoch) WHERE open;
CREATE TABLE bookings (number INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, campaign TEXT NOT NULL,
    day INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, micros INTEGER NOT NULL CHECK (micros > 0),
    lease INTEGER NOT NULL, bid_id TEXT, event TEXT);
CREATE UNIQUE INDEX bookings_bid ON bookings (bid_id) WHERE bid_id IS NOT NULL;
CREATE TABLE balances (campaign TEXT NOT NULL, day INTEGER NOT NULL, leased INTEGER NOT NULL,
    charged INTEGER NOT NULL, PRIMARY KEY (campaign, day)) WITHOUT ROWID;
CREATE TRIGGER bookings_update BEFORE UPDATE ON bookings BEGIN SELECT RAISE (ABORT, 'bookings are append-only'); END;
CREATE TRIGGER bookings_delete BEFORE DELETE ON bookings BEGIN SELECT RAISE (ABORT, 'bookings are append-only'); END;
INSERT INTO owners VALUES (1, 'server', 0);
INSERT INTO budgets VALUES (1, 'a', 0, 100, NULL), (2, 'a', 5, 120, 1000), (3, 'b', 0, NULL, NULL);
INSERT INTO leases VALUES (1, 'a', 0, 1, 55, 86400000000, 1), (2, 'a', 1, 1, 0, 7, 0);
INSERT INTO bookings VALUES
    (1, 1, 'a', 0, 'budget', 'lease', 90, 1, NULL, NULL),
    (2, 2, 'a', 0, 'lease', 'charged', 30, 1, 'bid1', 'click1'),
    (3, 3, 'a', 0, 'lease', 'budget', 5, 1, NULL, NULL),
    (4, 4, 'b', 0, 'budget', 'charged', 12, 0, 'bid2', 'click2'),
    (5, 5, 'a', 1, 'budget', 'lease', 40, 2, NULL, NULL),
    (6, 6, 'a', 1, 'lease', 'charged', 40, 2, 'bid3', 'click3');
INSERT INTO balances VALUES ('a', 0, 55, 30), ('b', 0, 0, 12), ('a', 1, 0, 40);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal's file as the first version wrote it, with a lease that is still open."""
    path = tmp_path / "log.db"
    Journal(path).close()
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD)
    connection.close()
    return path


def test_not_a_micro_is_lost(path: Path) -> None:
    """Charges, leases and limits are those of before, under their advertisers' names; the books balance."""
    with Journal(path) as journal:
        ledger = Ledger(journal, {"a": "anna", "b": "bert"})
        assert ledger.verify() == []
        assert [(row["bid_id"], row["campaign"], row["day"], row["micros"]) for row in ledger.charges()] == [
            ("bid1", "a", 0, 30),
            ("bid2", "b", 0, 12),
            ("bid3", "a", 1, 40),
        ]
        assert ledger.accounts() == {"wallet:anna": -125, "wallet:bert": -12, "lease": 55, "revenue": 82}
        assert [number for number, _ in ledger.entries()] == [1, 2, 3, 4, 5, 6]
        left = ledger.left("a", 0)
        assert (left.day, left.total) == (120 - 85, 1000 - 125)


def test_what_was_promised_before_is_charged_after(path: Path) -> None:
    """An old token finds its lease, an old bid is not charged again, and limits go on from the old sums."""
    with Journal(path) as journal:
        ledger = Ledger(journal)
        new = journal.submit(Click(id="n", time_us=9, bid_id="n"), Charge("n", "a", 1, 55, DAY_US)).result()
        old = journal.submit(Click(id="o", time_us=9, bid_id="bid1"), Charge("bid1", "a", 1, 1, DAY_US)).result()
        assert (new.charged_micros, old.charged_micros, old.reason) == (55, 0, "already charged")
        ledger.set_budgets({"a": Budget(120, 1000, "anna")}, 9).result()
        ask = Ask(epoch=ledger.claim("x", 9), campaign="a", least=500, share=1, expires_us=DAY_US, ttl_us=1, now_us=9)
        assert ledger.grant(ask).result().granted == 35
        assert ledger.verify() == []


def test_opening_again_changes_nothing(path: Path) -> None:
    """A file is migrated once."""
    with Journal(path) as journal:
        Ledger(journal, {"a": "anna"})
        before = list(Ledger(journal, {"a": "other"}).entries())
        assert before == list(Ledger(journal).entries())
        assert {entry.advertiser for _, entry in before} == {"anna", ""}


def test_a_ledger_that_does_not_balance_is_left_as_it_is(path: Path) -> None:
    """Sums that differ from their bookings are no ground to build on: StoreError, and the old tables are untouched."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE balances SET charged = charged + 1 WHERE campaign = 'b'")
        before = list(connection.iterdump())
    connection.close()
    with Journal(path) as journal, pytest.raises(StoreError, match="does not balance"):
        Ledger(journal)
    with sqlite3.connect(path) as connection:
        assert list(connection.iterdump()) == before
    connection.close()
