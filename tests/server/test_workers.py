"""`adcascade serve --workers`: several processes at one port, killed one after the other while shoppers click."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.process import Process
from tests.server.test_money_survives import AUCTION, WHEN, Clicker, audit, stocked

from adcascade.server.workers import Supervisor

WORKERS = 3
CALL = (
    "import sys; from adcascade.cli.serve import *\n"
    f"if __name__ == '__main__': serve(Path(sys.argv[1]), port=int(sys.argv[2]), workers={WORKERS})"
)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Three workers over two campaigns that pay per click."""
    stocked(tmp_path)
    script = tmp_path / "serve.py"
    script.write_text(CALL)
    server = Process(tmp_path, (str(script), "{folder}", "{port}"))
    server.start()
    yield server
    if server.child is not None and server.child.poll() is None:
        server.kill(signal.SIGTERM)


def workers_of(process: Process) -> list[int]:
    """Pids of the workers."""
    assert process.child is not None
    pid = process.child.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def wait_for(process: Process, count: int) -> list[int]:
    """The workers' pids, once there are so many."""
    for _ in range(400):
        if len(workers_of(process)) == count:
            return workers_of(process)
        time.sleep(0.05)
    raise AssertionError(f"there are {len(workers_of(process))} workers, not {count}")


def test_workers_die_and_no_click_is_lost_or_charged_twice(process: Process) -> None:
    """SIGKILL each worker once under load: the port answers on, every acknowledged click is logged and charged once."""
    acknowledged: dict[str, str] = {}
    for victim in wait_for(process, WORKERS):
        clickers = [Clicker(process) for _ in range(3)]
        for clicker in clickers:
            clicker.start()
        time.sleep(0.5)
        os.kill(victim, signal.SIGKILL)
        time.sleep(0.5)
        assert process.ask("POST", "/v2/auctions", AUCTION)[0] == 200
        for clicker in clickers:
            clicker.stop = True
            clicker.join(timeout=20)
            acknowledged |= clicker.acknowledged
        wait_for(process, WORKERS)
    assert len(acknowledged) > 20
    some = list(acknowledged.items())[:900]
    again = [{"id": name, "resolvedBidId": token, "occurredAt": WHEN} for name, token in some]
    _, told = process.ask("POST", "/v2/events", {"clicks": again})
    assert {each["status"] for each in told["clicks"]} == {"duplicate"}
    process.kill(signal.SIGTERM)
    audit(process.folder, set(acknowledged))


def test_workers_end_with_their_supervisor(process: Process) -> None:
    """SIGKILL the supervisor: no worker outlives it."""
    pids = wait_for(process, WORKERS)
    process.kill()
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return
        time.sleep(0.05)
    raise AssertionError("a worker goes on without its supervisor")


def _refuse(number: int, line: object) -> None:
    sys.exit(7)


def test_a_worker_that_never_starts_ends_the_supervisor() -> None:
    """Not a loop without end: after a few deaths in a row the exit status is 1."""
    assert Supervisor(2, _refuse, pause_s=0.01).run() == 1
