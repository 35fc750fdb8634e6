"""Options that several commands share, and how they print numbers."""

import json
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adcascade.errors import ConfigurationError, StoreError

Directory = Annotated[
    Path,
    typer.Option(
        "--dir", "-d", help="Working directory: adcascade.toml, catalog, event log, bundles.", show_default=True
    ),
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", help="Also write the numbers to this file; '-' for standard output."),
]


def write_json(file: Path | None, numbers: object) -> None:
    """Write numbers where --json says; nothing without it."""
    if file is None:
        return
    text = json.dumps(numbers, indent=2, allow_nan=False)
    if str(file) == "-":
        print(text)  # noqa: T201  this is the output
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    except OSError as error:
        raise StoreError(f"the numbers could not be written to {file}: {error}") from error


def progress() -> Progress:
    """A progress bar on standard error, so that standard output stays clean."""

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def require_train_extra() -> None:
    """ConfigurationError, with the remedy, where the packages that learning needs are absent."""
    if find_spec("torch") is None or find_spec("sklearn") is None:
        raise ConfigurationError("training needs more packages: pip install 'adcascade[train]'")


def require_folder(directory: Path) -> None:
    """ConfigurationError, with the remedy, where --dir names no folder: nothing is installed there."""
    if not directory.is_dir():
        raise ConfigurationError(
            f"--dir is {directory}, and there is no such folder; name the working directory of an installation, "
            f"or make one: adcascade demo --dir {directory}"
        )


def require_writable(directory: Path) -> None:
    """StoreError, with the remedy, where a byte written to --dir does not reach the disk."""
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(b"\0")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise StoreError(
            f"--dir is {directory}, and nothing can be written there ({error.strerror or error}); make it a writable "
            "folder of this user with free space: the log and the ledger live there"
        ) from error
