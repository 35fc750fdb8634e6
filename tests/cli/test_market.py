"""`adcascade market`: dials by name, a run with its numbers, and what is no dial."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adcascade.cli.app import app
from adcascade.closedloop.market_files import read_order, read_result
from adcascade.closedloop.market_order import DIALS
from adcascade.errors import InputError

TURNED = {"users": 60, "ads": 60, "campaigns": 12, "advertisers": 6, "drift": 0}
SMALL = [*(f"--set={name}={value}" for name, value in TURNED.items()), "--warm-up=6", "--ticks=7"]


def test_a_run_prints_and_keeps_its_numbers(tmp_path: Path) -> None:
    """The table, the sentence, and the same numbers in the folder and in the file that was asked for."""
    out, file = tmp_path / "run", tmp_path / "numbers.json"
    done = CliRunner().invoke(app, ["market", "run", *SMALL, "--out", str(out), "--json", str(file)])
    assert done.exit_code == 0, done.output
    assert "oracle" in done.output
    result = read_result(out)
    assert result is not None
    assert json.loads(file.read_text())["policies"]["oracle"]["welfare"] == result.policies["oracle"].welfare
    assert read_order(out).dials == TURNED


@pytest.mark.parametrize("turned", ["drift", "colour=3", "drift=x", "organic=0"])
def test_what_is_no_dial_is_refused(turned: str, tmp_path: Path) -> None:
    """Before anything is made."""
    done = CliRunner().invoke(app, ["market", "run", "--set", turned, "--out", str(tmp_path / "run")])
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "run").exists()


def test_all_dials_are_told() -> None:
    """By the names that `--set` takes."""
    told = CliRunner().invoke(app, ["market", "dials"], env={"COLUMNS": "200"}).output
    assert all(name in told for name in DIALS)
