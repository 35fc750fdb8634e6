"""A disk that is full or read-only is reported, never silent, and what was acknowledged before is not lost."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.load.disks import FullDisk, LimitedProcess, may_mount, small_disk
from tests.load.installation import AUCTION, impressions, make_catalog
from tests.server.process import ROOT, SERVE, Process

from adcascade.events.journal import Journal
from adcascade.money.reading import differences

MOUNTS = may_mount()
needs_mount = pytest.mark.skipif(
    not MOUNTS, reason="mounting a small file system needs root; a limit is tested instead"
)


@pytest.fixture(params=["limit", pytest.param("small file system", marks=needs_mount)])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Process, FullDisk | LimitedProcess]]:
    """A running server, and what fills its disk."""
    if request.param == "limit":
        yield from _served(tmp_path, limit=True)
        return
    with small_disk(tmp_path / "small", 24) as folder:
        yield from _served(folder, limit=False)


def _served(folder: Path, *, limit: bool) -> Iterator[tuple[Process, FullDisk | LimitedProcess]]:
    make_catalog(folder, campaigns=4)
    server = Process(folder, SERVE)
    server.start()
    assert server.child is not None
    yield server, LimitedProcess(server.child.pid) if limit else FullDisk(folder)
    if server.child.poll() is None:
        server.kill()


def tokens(server: Process) -> list[str]:
    """Of the winners of one auction."""
    return [
        winner["resolvedBidId"] for winner in server.ask("POST", "/v2/auctions", AUCTION)[1]["results"][0]["winners"]
    ]


def wait_for(server: Process, status: int) -> dict[str, Any]:
    """What /ready says once it has this status."""
    for _ in range(100):
        heard, told = server.ask("GET", "/ready")
        if heard == status:
            return dict(told)
        time.sleep(0.1)
    raise AssertionError(f"/ready never said {status}")


def test_a_full_disk_is_told_and_passes_and_loses_nothing(full: tuple[Process, FullDisk | LimitedProcess]) -> None:
    """Full: events 503 and nothing taken, readiness 503 with the reason, auctions empty with the reason, an alarm.

    Space again: the server recovers by itself, and an event that was refused is new. At the end every acknowledged
    event is in the log once and the ledger's books are right.
    """
    server, disk = full
    acknowledged = [f"before-{number}" for number, _ in enumerate(tokens(server))]
    assert server.ask("POST", "/v2/events", impressions("before", tokens(server)))[0] == 200
    promised = tokens(server)
    disk.fill()
    refused = ""
    for number in range(2000):
        name = f"during{number}"
        status, _ = server.ask("POST", "/v2/events", impressions(name, promised[:1]))
        if status == 503:
            refused = name
            break
        acknowledged.append(f"{name}-0")
    assert refused, "a full disk was not told"
    assert "event log cannot be written" in wait_for(server, 503)["reason"]
    told = server.ask("POST", "/v2/auctions", AUCTION)[1]["results"][0]
    assert (told["winners"], told["reason"]) == ([], "log-unhealthy")
    disk.free()
    wait_for(server, 200)
    _, receipts = server.ask("POST", "/v2/events", impressions(refused, promised[:1]))
    assert [receipt["status"] for receipt in receipts["impressions"]] == ["accepted"]
    assert tokens(server)
    server.kill()
    with Journal(server.folder / "journal.db") as journal:
        logged = [row[0] for row in journal.query("SELECT id FROM records WHERE kind = 'impression'")]
    assert {*acknowledged, f"{refused}-0"} <= set(logged)
    assert len(logged) == len(set(logged))
    assert differences(server.folder / "journal.db") == []


@pytest.mark.skipif(os.geteuid() == 0 and not MOUNTS, reason="root writes everywhere but on a read-only file system")
def test_a_read_only_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    """`adcascade serve` ends with status 1 or 2 and one sentence that names the file and the remedy; no traceback."""
    if not MOUNTS:
        make_catalog(tmp_path, campaigns=1)
        tmp_path.chmod(0o555)
        _refused(tmp_path)
        tmp_path.chmod(0o755)
        return
    with small_disk(tmp_path / "small", 8) as folder:
        make_catalog(folder, campaigns=1)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        _refused(folder)


def _refused(folder: Path) -> None:
    call = "from adcascade.cli import main; main()"
    command = [sys.executable, "-c", call, "serve", "--dir", str(folder), "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "400"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ")
    assert str(folder) in done.stderr
    assert "writable" in done.stderr
    assert "Traceback" not in done.stderr
