"""The description of the API is true: Schemathesis believes every word of it and asks accordingly."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.process import SERVE, Process
from tests.server.test_money_survives import AUCTION, stocked

from adcascade.access.store import KeyStore
from adcascade.server.admin.app import BASE
from adcascade.server.openapi import description
from adcascade.settings import FILE, load_settings

# what JSON Schema cannot tell: a signature, and OpenRTB's rules across fields
UNSAID = "positive_data_acceptance"
# a wrong bid request that comes late on a busy machine would be declined unread, with 204; here nothing is late
PATIENT = (
    "[engine]\ntimeout_ms = 60000\n"
    '[access]\nstatus = "key"\ncalls_per_s = 1e6\ncalls_at_once = 1000000\nfailures_at_once = 1000000\n'
)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """The real server over eight ads, that answers a key as often as it asks and a request however late it comes."""
    stocked(tmp_path)
    (tmp_path / FILE).write_text(PATIENT)
    server = Process(tmp_path, SERVE)
    server.start()
    yield server
    server.kill()


def test_every_answer_is_as_described(process: Process, tmp_path: Path) -> None:
    """Requests to each operation: statuses, types, bodies and headers are as described.

    Invalid ones are refused, without a key nothing inside is shown, and methods that are not described are refused
    with the methods that are. Only the revocation of keys is left out: it would revoke the key that asks.
    """
    _, key = KeyStore(load_settings(tmp_path).catalog_url).create("tester", "administrator", now_us=0, by="test")
    token = process.ask("POST", "/v2/auctions", AUCTION)[1]["results"][0]["winners"][0]["resolvedBidId"]
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(f'[parameters]\n"path.token" = "{token}"\n')
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"),
        *(
            "--checks",
            "all",
            "--exclude-checks",
            UNSAID,
            "--phases",
            "coverage,fuzzing",
            "--max-examples",
            "4",
            "--exclude-path-regex",
            f"^{BASE}/keys/",
        ),
        *("-H", f"Authorization: Bearer {key}", "--seed", "1", "--no-color", "--warnings", "off"),
        f"http://127.0.0.1:{process.port}/openapi.json",
    ]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
    paths = {path: verbs for path, verbs in description()["paths"].items() if not path.startswith(f"{BASE}/keys/")}
    count = sum(map(len, paths.values())) - 1  # /openapi.json has been read already
    assert f"Tested: {count}\n" in told.stdout, told.stdout
