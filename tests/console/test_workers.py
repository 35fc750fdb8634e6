"""The overview of a real server with two workers tells of both, whichever of them answers, and of the dead too."""

import os
import re
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.server.process import Process
from tests.server.test_money_survives import AUCTION, stocked
from tests.server.test_workers import workers_of

CALL = (
    "import sys; from adcascade.cli.serve import *\n"
    "if __name__ == '__main__': serve(Path(sys.argv[1]), port=int(sys.argv[2]), workers=2)"
)
ROW = re.compile(r'<tr><th scope="row" data-value="(\d+)">[^<]*</th><td class="number" data-value="([^"]+)">')
PATIENCE_S = 60


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Two workers over a small catalog; their overview is open to this machine."""
    stocked(tmp_path)
    script = tmp_path / "serve.py"
    script.write_text(CALL)
    server = Process(tmp_path, (str(script), "{folder}", "{port}"))
    server.start()
    yield server
    server.kill(signal.SIGTERM)


def told(process: Process) -> tuple[list[float], bool]:
    """By the overview of whoever answers: requests in each step of the chart but the first; whether it sees both."""
    page = process.ask("GET", "/?span=5m")[1].decode()
    table = page.split('id="chart-traffic"')[1].split("</table>")[0]
    rows = [(int(time_us), float(rate)) for time_us, rate in ROW.findall(table)]
    steps = [rate * (now - before) / 1e6 for (before, _), (now, rate) in pairwise(rows)]
    return steps, "<span>2 workers</span>" in page


def until(process: Process, expected: int) -> None:
    """Both workers, asked again and again on fresh connections, tell of so many requests, and never of more."""
    deadline, in_a_row = time.monotonic() + PATIENCE_S, 0
    while in_a_row < 10:
        assert time.monotonic() < deadline, told(process)
        steps, both = told(process)
        assert all(step >= 0 for step in steps)
        assert sum(steps) <= expected + 0.1
        in_a_row = in_a_row + 1 if both and steps and sum(steps) > expected - 0.1 else 0
        if not in_a_row:
            time.sleep(0.3)


def test_the_requests_of_all_workers_are_the_requests_that_were_sent(process: Process) -> None:
    """Counted load on fresh connections, then one worker is killed and another takes its place: nothing is missing."""
    until(process, 0)
    for _ in range(60):
        assert process.ask("POST", "/v2/auctions", AUCTION)[0] == 200
    until(process, 60)
    os.kill(workers_of(process)[1], signal.SIGKILL)
    for _ in range(40):
        assert process.ask("POST", "/v2/auctions", AUCTION)[0] == 200
    until(process, 100)
