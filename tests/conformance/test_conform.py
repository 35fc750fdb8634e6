"""The command: exit statuses, JSON, one case again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conformance.bidder import Bidder
from tests.conformance.faults import FAULTS
from typer.testing import CliRunner

from adcascade.cli.app import app
from adcascade.conformance.rules import RULES
from adcascade.errors import InputError


def call(*arguments: str) -> tuple[int, str]:
    """Exit status and output of the command in this process."""
    result = CliRunner().invoke(app, ["conform", *arguments])
    return result.exit_code, result.output


def test_nothing_violated_is_status_0_and_all_of_it_is_json(bidder: Bidder, tmp_path: Path) -> None:
    """Every rule is in the file, counted; what was not exercised does not pass."""
    file = tmp_path / "report" / "conformance.json"
    status, _ = call(f"{bidder.url}/bid", "--mutations", "0", "--seed", "7", "--json", str(file))
    assert status == 0
    told = json.loads(file.read_text("utf-8"))
    assert [row["id"] for row in told["rules"]] == [rule.id for rule in RULES]
    assert {row["verdict"] for row in told["rules"]} == {"holds", "not exercised"}
    assert {row["id"] for row in told["rules"] if not row["checked"]} == {"notice.win", "notice.billing"}
    assert (told["seed"], told["mutations"], told["violations"], told["advice"], told["hangs"]) == (7, 0, 0, 0, 0)
    assert told["requests"] == sum(told["statuses"].values())
    assert 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p99"] <= told["latency_ms"]["max"]
    assert told["bids"] > 50


def test_a_violation_is_status_1_and_can_be_seen_alone(bidder: Bidder, tmp_path: Path) -> None:
    """The report names a case; `--only` with that name shows request, answer and the same violation."""
    FAULTS["below the floor"].put_into(bidder)
    file = tmp_path / "conformance.json"
    status, output = call(f"{bidder.url}/bid", "--mutations", "0", "--json", str(file))
    assert status == 1
    row = next(row for row in json.loads(file.read_text("utf-8"))["rules"] if row["violated"])
    assert (row["id"], row["section"], row["verdict"]) == ("bid.floor", "3.2.4 Object: Imp", "violated")
    case = row["examples"][0]["case"]
    assert f"--only {case}" in output
    status, output = call(f"{bidder.url}/bid", "--only", case)
    assert status == 1
    assert "bidfloor" in output
    assert "answer: 200" in output
    assert "violated: bid.floor (3.2.4 Object: Imp)" in output


def test_advice_is_no_violation(bidder: Bidder) -> None:
    """A recommended rule that is violated is shown, and the status stays 0."""
    FAULTS["says no version"].put_into(bidder)
    status, output = call(f"{bidder.url}/bid", "--mutations", "0")
    assert status == 0
    assert "http.version" in output
    assert "advice" in output


@pytest.mark.parametrize("case", ["banner-single", "invalid-nan", "learned-badv", "mutation-0"])
def test_every_kind_of_case_can_be_sent_again(bidder: Bidder, case: str) -> None:
    """Examples, invalid ones, what was learned, and mutations by their number."""
    status, output = call(f"{bidder.url}/bid", "--only", case)
    assert status == 0
    assert output.startswith(case)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((), "url"),
        (("ftp://127.0.0.1/bid",), "url"),
        (("http://[::1/bid",), "url"),
        (("http://127.0.0.1:1/bid",), "url"),
        (("{url}/bid", "--only", "no-such-case"), "only"),
        (("{url}/bid", "--only", "learned-bundle"), "only"),
    ],
)
def test_a_wrong_call_names_what_is_wrong(bidder: Bidder, arguments: tuple[str, ...], field: str) -> None:
    """InputError, which the program turns into status 2."""
    result = CliRunner().invoke(app, ["conform", *(each.format(url=bidder.url) for each in arguments)])
    assert isinstance(result.exception, InputError)
    assert result.exception.field == field


def test_nobody_at_the_address_is_status_2() -> None:
    """The real program: one sentence, no traceback."""
    code = "from adcascade.cli import main; main()"
    command = [sys.executable, "-c", code, "conform", "http://127.0.0.1:1/bid"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "start it" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_rules_are_printed_as_a_table() -> None:
    """One row a rule, with its section."""
    status, output = call("--rules")
    assert status == 0
    for rule in RULES:
        assert f"| `{rule.id}` | " in output
