"""`adcascade why-not` counts every request of the last hours once, and leaves the requests themselves out."""

import json
import time
from pathlib import Path

from tests.server.test_money_survives import stocked
from typer.testing import CliRunner

from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cli.app import app
from adcascade.contracts import AdRequest, Slot


def test_the_last_hours_are_counted(tmp_path: Path) -> None:
    """Of an installation without a bundle, where chance answers: shown, or drawn past."""
    stocked(tmp_path)
    service = open_service(tmp_path, Surroundings(wait=True))
    for number in range(12):
        service.auction(AdRequest(id=str(number), time_us=time.time_ns() // 1000, slots=(Slot(id="1"),)))
    service.close()
    numbers = tmp_path / "numbers.json"
    done = CliRunner().invoke(app, ["why-not", "k0", "--dir", str(tmp_path), "--json", str(numbers)])
    assert done.exit_code == 0, done.output
    told = json.loads(numbers.read_text())
    counts = {one["fate"]: one["requests"] for one in told["fates"]["counted"]}
    assert counts["shown"] + counts["by_chance"] == told["fates"]["requests"] == 12
    assert f"shown in {counts['shown']} of 12 requests" in done.output
    assert (told["fates"]["sample"], told["reasons"]) == ([], [])
