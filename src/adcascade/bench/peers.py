"""Peers: other libraries, in a virtual environment of their own, asked by process and JSON.

`benchmarks/peers/setup.sh` makes the environment, by default `.peers` beside `benchmarks/`; ADCASCADE_PEERS names
another. A benchmark whose peer is not installed still prints our own figures, and a bar of a ratio does not hold then.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adcascade.errors import ConfigurationError

VARIABLE = "ADCASCADE_PEERS"


class PeerAbsentError(ConfigurationError):
    """The peers' environment, or a package in it, is not installed."""


def peers_python(benchmarks: Path) -> Path:
    """The interpreter of the peers' environment, for the folder `benchmarks`; PeerAbsentError where there is none."""
    folder = Path(os.environ.get(VARIABLE) or benchmarks.parent / ".peers")
    python = folder / "bin" / "python"
    if not python.exists():
        raise PeerAbsentError(f"no peers are installed in {folder}: run `make peers`, or set {VARIABLE}")
    return python


def ask_peer(script: Path, order: Mapping[str, object], *, timeout_s: float = 900) -> dict[str, Any]:
    """Run `script`, of benchmarks/peers/, with the order as its argument in JSON; what it prints last, from JSON.

    PeerAbsentError where the environment is not there or the script says that it lacks a package (exit status 3);
    RuntimeError with what it said where it failed otherwise.
    """
    python = peers_python(script.parent.parent)
    done = subprocess.run(  # noqa: S603  our own script
        [python, script, json.dumps(dict(order))], capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if done.returncode == 3:
        raise PeerAbsentError(f"{script.name}: {done.stderr.strip().splitlines()[-1]}: run `make peers`")
    if done.returncode:
        raise RuntimeError(f"{script.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer
