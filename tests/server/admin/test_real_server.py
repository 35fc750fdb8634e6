"""`adcascade serve` and `adcascade key` as processes: keys from the command line open the API of a running server."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tests.server.process import SERVE, Process
from tests.server.test_money_survives import AUCTION, stocked

from adcascade.cli.serve import guards_status
from adcascade.settings import AccessSettings, Settings


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """The real server, whose pages about the inside ask for a key."""
    stocked(tmp_path)
    (tmp_path / "adcascade.toml").write_text('[access]\nstatus = "key"\n')
    server = Process(tmp_path, SERVE)
    server.start()
    yield server
    if server.child is not None and server.child.poll() is None:
        server.kill(signal.SIGTERM)


def adcascade(folder: Path, *arguments: str) -> str:
    """The command's standard output."""
    command = [sys.executable, "-c", "from adcascade.cli import main; main()", *arguments, "--dir", str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def asked(process: Process, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
    """One request with a key."""
    connection = HTTPConnection("127.0.0.1", process.port, timeout=10)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content.startswith(b"{") else content
    finally:
        connection.close()


def test_a_key_opens_a_running_server_and_what_it_writes_is_served(process: Process) -> None:
    """Made beside the server: it pauses all ads but one, and within a second only that one is answered."""
    key = adcascade(process.folder, "key", "create", "ann", "--role", "administrator")
    assert process.ask("GET", "/status.json")[0] == process.ask("GET", "/metrics")[0] == 401
    assert asked(process, "GET", "/status.json", key)[0] == asked(process, "GET", "/metrics", key)[0] == 200
    assert process.ask("GET", "/health")[0] == process.ask("GET", "/ready")[0] == 200
    others = [f"{name}{number}" for name in "kl" for number in range(4)][1:]
    assert asked(process, "POST", "/admin/v1/status", key, {"status": "paused", "ads": others})[0] == 200
    for _ in range(30):
        winners = process.ask("POST", "/v2/auctions", AUCTION)[1]["results"][0]["winners"]
        if {winner["adId"] for winner in winners} == {"k0"}:
            break
        subprocess.run(["sleep", "0.1"], check=True)
    else:
        raise AssertionError("paused ads go on being answered")
    key_id = key.split("_")[1]
    adcascade(process.folder, "key", "revoke", key_id)
    assert asked(process, "GET", "/admin/v1/me", key)[0] == 401
    logged = process.kill(signal.SIGTERM).decode()
    assert key.split("_", 2)[2] not in logged
    assert "key refused" in logged


@pytest.mark.parametrize(
    ("status", "host", "guarded"),
    [
        ("auto", "127.0.0.1", False),
        ("auto", "0.0.0.0", True),
        ("auto", "::", True),
        ("open", "0.0.0.0", False),
        ("key", "127.0.0.1", True),
    ],
)
def test_the_inside_is_shown_to_this_machine_alone(status: Any, host: str, *, guarded: bool) -> None:
    """Unless it is said otherwise, whoever can reach the server from elsewhere needs a key to look inside."""
    assert guards_status(Settings(access=AccessSettings(status=status)), host) == guarded
