"""Setting the project up from nothing: a fresh environment with all that developing needs, in seconds and bytes."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adcascade.bench import Bar, Row

ROOT = Path(__file__).resolve().parent.parent


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which extra."""
    parser.add_argument("--extra", default="dev", help="extra of the package to install")


def run(given: argparse.Namespace) -> list[Row]:
    """Install into a temporary environment as `make install` does, once; the wheels come from pip's index or cache."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        steps = (
            (sys.executable, "-m", "venv", folder),
            (f"{folder}/bin/pip", "install", "--quiet", "--no-compile", "torch==2.13.0"),
            (f"{folder}/bin/pip", "install", "--quiet", "--no-compile", "--editable", f"{ROOT}[{given.extra}]"),
        )
        for step in steps:
            subprocess.run(step, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file() and not file.is_symlink())
    return [
        Row(name="installing", value=seconds, unit="s", bar=Bar(of="value", most=90), note="network and disk included"),
        Row(name="environment", value=size / 1e9, unit="GB", bar=Bar(of="value", most=2.2)),
    ]
