"""The description of the API is true: Schemathesis believes every word of it and asks accordingly."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.process import Process

from adcascade.server.openapi import description

# a signature, and OpenRTB's rules across fields, are beyond what JSON Schema can tell
UNSAID = "positive_data_acceptance"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """A running server."""
    server = Process(tmp_path)
    server.start()
    yield server
    server.kill()


def test_every_answer_is_as_described(process: Process, tmp_path: Path) -> None:
    """Valid and invalid requests to each operation: described statuses, types, bodies and headers, and never a 5xx.

    Invalid ones are refused, and methods that are not described are, with the methods that are.
    """
    asked = process.ask("POST", "/v2/auctions", {"auctions": [{"type": "listings", "slots": 1}]})[1]
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(f'[parameters]\n"path.token" = "{asked["results"][0]["winners"][0]["resolvedBidId"]}"\n')
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"),
        *("--checks", "all", "--exclude-checks", UNSAID, "--phases", "coverage,fuzzing", "--max-examples", "15"),
        *("--seed", "1", "--no-color", "--warnings", "off", f"http://127.0.0.1:{process.port}/openapi.json"),
    ]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
    count = len(description()["paths"]) - 1  # all but /openapi.json, which it has read already
    assert f"Tested: {count}\n" in told.stdout, told.stdout
