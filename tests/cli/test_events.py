"""`adcascade attribute` and `adcascade traffic` over an installation's own log."""

import json
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from tests.events.attribution.test_log import LOG
from typer.testing import CliRunner

from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.cli.app import app
from adcascade.errors import DataMissingError, InputError
from adcascade.events.journal import Journal
from adcascade.events.records import Click, Filtered, Record
from adcascade.money.charge import Charge
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

SECOND = 1_000_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two ads, and the log of attribution's tests."""
    with CatalogStore(load_settings(tmp_path).catalog_url) as store:
        ads = [
            Ad(id="ad-red", campaign="shoes", product="red", parent="shoe", brand="acme"),
            Ad(id="ad-hat", campaign="hats", product="hat", brand="acme"),
        ]
        store.put([Advertiser(id="a")], [Campaign(id=name, advertiser="a") for name in ("shoes", "hats")], ads)
    with Journal(tmp_path / "journal.db") as journal:
        journal.append(LOG)
    return tmp_path


def run(*arguments: str | Path) -> None:
    """The command succeeds."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_a_rule_on_the_command_line_beats_the_settings(place: Path) -> None:
    """The same log by two rules: two reports; JSON, CSV and Parquet say the same."""
    run("attribute", "--dir", place, "--json", place / "a.json", "--csv", place / "a.csv", "--parquet", place / "a.pq")
    first = json.loads((place / "a.json").read_text())
    assert first["rule"]["click_days"] == 14.0
    assert {row["ad"]: (row["click_orders"], row["view_orders"]) for row in first["ads"]} == {
        "ad-hat": (0, 1),
        "ad-red": (1, 0),
    }
    assert pq.read_table(place / "a.pq").to_pylist() == first["ads"]
    assert pyarrow.csv.read_csv(place / "a.csv").to_pylist() == first["ads"]
    rule = ("--click-days", "any", "--view-days", "0", "--scope", "brand", "--no-direct")
    run("attribute", "--dir", place, *rule, "--json", place / "b.json")
    second = json.loads((place / "b.json").read_text())
    assert [row["ad"] for row in second["ads"]] == ["ad-red"]
    assert second["rule"] == {
        "click_days": None, "view_days": 0.0, "scope": "brand", "views": "impression", "direct": False,
    }  # fmt: skip
    run("attribute", "--dir", place, "--to", "1970-01-02", "--json", place / "c.json")
    assert json.loads((place / "c.json").read_text())["totals"]["orders"] == 0


def test_days_that_are_none_are_refused(place: Path) -> None:
    """Named, with what would be right."""
    for days in ("-1", "soon", "nan"):
        with pytest.raises(InputError, match="click_days"):
            run("attribute", "--dir", place, "--click-days", days)


def test_an_installation_without_a_log_says_so(tmp_path: Path) -> None:
    """Nothing was served yet: the sentence names the log."""
    for command in (("attribute",), ("traffic", "report"), ("traffic", "refund")):
        with pytest.raises(DataMissingError, match="journal"):
            run(*command, "--dir", tmp_path)


def test_the_report_sums_what_was_filtered(place: Path) -> None:
    """By day, campaign, kind and reason, with the money that nobody paid."""
    filtered = [
        Filtered(
            id=f"f{n}", time_us=n * 40_000 * SECOND, bid_id="b", kind="click", reason="robot_agent", campaign="shoes",
            unbilled_micros=5,
        )
        for n in range(3)
    ]  # fmt: skip
    with Journal(place / "journal.db") as journal:
        journal.append(filtered)
    run("traffic", "report", "--dir", place, "--json", place / "r.json")
    rows = json.loads((place / "r.json").read_text())
    assert [(row["day"], row["events"], row["unbilled_micros"]) for row in rows] == [
        ("1970-01-01", 3, 15),
    ]


def test_charged_clicks_of_a_crowd_are_listed_for_refund(place: Path) -> None:
    """The first clicks of a user whose later ones were stopped: those that were charged, each once."""
    clicks: list[Record] = [Click(id=f"x{n}", time_us=(100 + n) * SECOND, bid_id="b1") for n in range(4)]
    with Journal(place / "journal.db") as journal:
        Ledger(journal)
        charges = [
            Charge(bid_id="b1", campaign="shoes", lease=0, price_micros=7, expires_us=2**60, now_us=100 * SECOND)
            for _ in clicks
        ]
        journal.append(clicks, charges)
    run("traffic", "refund", "--dir", place, "--user-clicks", "3", "--json", place / "r.json")
    (row,) = json.loads((place / "r.json").read_text())
    assert (row["bid_id"], row["event"], row["micros"], row["campaign"]) == ("b1", "x0", 7, "shoes")
    run("traffic", "refund", "--dir", place, "--user-clicks", "9", "--json", place / "n.json")
    assert json.loads((place / "n.json").read_text()) == []


def test_a_credit_gives_the_money_back_once(place: Path) -> None:
    """What is listed is refunded, and the same reason again refunds nothing more."""
    test_charged_clicks_of_a_crowd_are_listed_for_refund(place)
    for _ in range(2):
        run("traffic", "refund", "--dir", place, "--user-clicks", "3", "--credit", "a crowd")
        with Journal(place / "journal.db") as journal:
            refunds = [entry for _, entry in Ledger(journal).entries() if entry.kind == "refund"]
            assert [(sum(entry.micros for entry in refunds), {entry.bid_id for entry in refunds})] == [(7, {"b1"})]
            assert Ledger(journal).verify() == []
