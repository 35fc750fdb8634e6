"""`make chaos`, in small: every promise holds on every store while processes and stores are killed; and it can fail."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.money.conftest import STORES

ROOT = Path(__file__).parent.parent.parent
PROMISES = ("lost", "charged_twice", "overspend_micros", "misreported", "pending")


def chaos(file: Path, *arguments: str, program: tuple[str, ...] = ("-m", "adcascade.chaos")) -> tuple[int, Any, str]:
    """A trial as users run it: exit status, figures, what it printed."""
    command = [sys.executable, *program, *arguments, "--json", str(file)]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert file.exists(), done.stderr
    return done.returncode, json.loads(file.read_text()), done.stdout


@pytest.mark.parametrize("store", STORES)
def test_killed_at_random_every_promise_holds(store: str, tmp_path: Path) -> None:
    """Three processes, their store killed in the middle: nothing lost, doubled, overspent; the ledger balances."""
    arguments = ("--events", "4000", "--processes", "3", "--seed", "7", "--store", store, "--kill-every-s", "0.3")
    status, figures, printed = chaos(tmp_path / "figures.json", *arguments)
    assert status == 0
    assert {name: figures[name] for name in PROMISES} == dict.fromkeys(PROMISES, 0)
    assert figures["ledger_balanced"] is True
    assert figures["accepted"] >= 4000
    assert figures["duplicates"] > 0
    assert figures["kills"] > 0
    assert figures["store_restarts"] == (store != "sqlite")
    for name in ("accepted", "lost", "charged_twice", "overspend_micros", "ledger_balanced", "kills", "seconds"):
        assert f"{name}  {figures[name]}" in printed


@pytest.mark.parametrize(
    ("how", "figure"), [("forgetful", "charged_twice"), ("hasty", "lost"), ("generous", "overspend_micros")]
)
def test_a_broken_promise_is_found(how: str, figure: str, tmp_path: Path) -> None:
    """Workers that charge twice, acknowledge before they write, or spend more: figure and exit status say so."""
    arguments = ("--events", "800", "--processes", "2", "--seed", "3")
    program = (str(ROOT / "tests" / "chaos" / "sabotaged.py"), how)
    status, figures, _ = chaos(tmp_path / "figures.json", *arguments, program=program)
    assert status == 1
    assert figures[figure] > 0
