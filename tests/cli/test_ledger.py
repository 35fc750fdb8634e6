"""The ledger's commands, on a real installation's files, beside a bank that runs."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.cli.app import app
from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click
from adcascade.money.amounts import micros_of, units
from adcascade.money.bank import Bank, Budget
from adcascade.money.charge import Charge
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

SECOND = 1_000_000
NOON = round(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()) * SECOND
ACME = Budget(advertiser="acme", prepaid=True, fee_bp=1000, timezone="Europe/Berlin")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal of an installation in tmp_path, with one prepaid advertiser; a server would have it open."""
    settings = load_settings(tmp_path)
    with CatalogStore(settings.catalog_url) as store:
        store.put([Advertiser(id="acme", prepaid=True)], [Campaign(id="c", advertiser="acme")])
    with Journal(settings.journal_path, commit_every_ms=0) as journal:
        yield journal


def ledger_command(folder: Path, *arguments: str) -> Result:
    """What `adcascade ledger ...` does."""
    return CliRunner().invoke(app, ["ledger", *arguments, "--dir", str(folder)])


def served(journal: Journal) -> Bank:
    """A bank that made one promise of 3.00, which was clicked and charged."""
    bank = Bank(Ledger(journal), {"c": ACME}, NOON)
    bank.release_expired(NOON)
    promise = bank.reserve("c", "a1.0", 3 * SECOND, NOON, wait=True)
    assert promise is not None
    seen = {"query": "shoes"}
    journal.append([AuctionRecord(id="a1", time_us=NOON, user=None, scenario="s", seen=seen, winners=())])  # type: ignore[arg-type]
    charge = Charge("a1.0", "c", promise.lease, 3 * SECOND, promise.expires_us)
    journal.submit(Click(id="click:a1.0", time_us=NOON, bid_id="a1.0"), charge).result()
    return bank


def test_a_top_up_reaches_a_running_bank_within_seconds(tmp_path: Path, journal: Journal) -> None:
    """The bank is dry; another process fills the wallet; three rounds of a second later it promises again."""
    told: list[bool] = []
    bank = Bank(Ledger(journal), {"c": ACME}, NOON, on_change=lambda _, on: told.append(on))
    assert bank.reserve("c", "b1", SECOND, NOON, wait=True) is None
    arguments = ("top-up", "acme", "12.50", "--id", "invoice 1", "--dir", str(tmp_path))
    code = "from adcascade.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "ledger", *arguments], capture_output=True, text=True, check=True
    )
    assert "12.50 booked" in done.stdout
    for second in range(1, 4):
        bank.release_expired(NOON + second * SECOND, wait=True)
    assert told == [False, True]
    assert bank.reserve("c", "b2", SECOND, NOON + 3 * SECOND, wait=True) is not None
    assert bank.spendable("c") == 11_500_000


def test_a_repeated_order_is_booked_once(tmp_path: Path, journal: Journal) -> None:
    """The same --id again says so and moves nothing; a payout beyond the wallet is the caller's error."""
    for said in ("12.50 booked", "was booked before"):
        assert said in ledger_command(tmp_path, "top-up", "acme", "12.50", "--id", "x").output
    assert isinstance(ledger_command(tmp_path, "payout", "acme", "12.500001").exception, InputError)
    assert isinstance(ledger_command(tmp_path, "top-up", "nobody", "1").exception, InputError)
    assert Ledger(journal).accounts() == {"outside": -12_500_000, "wallet:acme": 12_500_000}


def test_verify_says_what_differs(tmp_path: Path, journal: Journal) -> None:
    """Exit status 0 and balanced; 1 with the sum that was altered, or the charge whose event is gone."""
    ledger_command(tmp_path, "top-up", "acme", "10")
    served(journal)
    fine = ledger_command(tmp_path, "verify", "--json", str(tmp_path / "fine.json"))
    assert fine.exit_code == 0, fine.output
    assert json.loads((tmp_path / "fine.json").read_text())["balanced"] is True
    with sqlite3.connect(journal.path) as connection:
        connection.execute("UPDATE wallets SET micros = micros + 1")
        connection.execute("DELETE FROM records WHERE kind = 'click'")
    connection.close()
    wrong = ledger_command(tmp_path, "verify")
    assert wrong.exit_code == 1
    assert "wallet" in wrong.output
    assert "a1.0" in wrong.output


def test_a_booking_leads_back_to_its_auction(tmp_path: Path, journal: Journal) -> None:
    """entries --bid shows what was moved and the records that caused it."""
    ledger_command(tmp_path, "top-up", "acme", "10")
    served(journal)
    result = ledger_command(tmp_path, "entries", "--bid", "a1.0", "--json", str(tmp_path / "entries.json"))
    found = json.loads((tmp_path / "entries.json").read_text())
    assert [(one["kind"], one["micros"], one["event"]) for one in found] == [
        ("charge", 2_700_000, "click:a1.0"),
        ("fee", 300_000, "click:a1.0"),
    ]
    assert "record 1: auction a1" in result.output
    assert "record 2: click click:a1.0" in result.output


def test_a_statement_as_csv_adds_up(tmp_path: Path, journal: Journal) -> None:
    """Lines of the account and of its campaigns; refunded in bulk the charge is back in the closing balance."""
    ledger_command(tmp_path, "top-up", "acme", "10")
    served(journal)
    bids = tmp_path / "bids.txt"
    bids.write_text("a1.0\nunknown\n")
    assert "1 of 2 bids, 3.00" in ledger_command(tmp_path, "credit", str(bids), "--reason", "robots").output
    day = str(datetime.now(UTC).year + 1)
    result = ledger_command(tmp_path, "statement", "acme", "--from", "2026-03-01", "--to", "2026-03-03", "--csv")
    rows = list(csv.DictReader(io.StringIO(result.output)))
    lines = [(row["date"], row["campaign"], row["charges"], row["fees"]) for row in rows]
    assert ("2026-03-02", "c", "3000000", "300000") in lines
    whole = ledger_command(tmp_path, "statement", "acme", "--to", f"{day}-01-01", "--json", str(tmp_path / "s.json"))
    assert whole.exit_code == 0, whole.output
    assert json.loads((tmp_path / "s.json").read_text())[-1]["closing"] == 10_000_000


@pytest.mark.parametrize("amount", ["", "ten", "0", "-1", "0.0000001", "1e30", "nan", "inf"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    """InputError says how amounts are written."""
    with pytest.raises(InputError, match="amount"):
        micros_of(amount)


def test_amounts_are_written_as_they_are_read() -> None:
    """Exactly, whatever their decimals."""
    for micros in (1, 10, 1_500_000, 123_456_789_012_345):
        assert micros_of(units(micros).replace(",", "")) == micros
    assert units(-2_000_000) == "-2.00"
