"""Files of a run of the market, in a folder of its own; whoever is killed halfway leaves nothing half written.

    dials.json        the order
    progress.jsonl    a line a step; the last one may be torn
    result.json       what was found, once all ticks were measured
    error.txt         a sentence why it was not
    installation/     while a cascade learns of the market

The first two are enough to tell how far a run has got, and what it has found by then.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from adcascade.closedloop.market_figures import Result, Step
from adcascade.closedloop.market_order import Order
from adcascade.errors import CallerError, StoreError

DIALS, PROGRESS, RESULT, ERROR = "dials.json", "progress.jsonl", "result.json", "error.txt"
INSTALLATION = "installation"
T = TypeVar("T")
_STEP = msgspec.json.Decoder(Step)


def write(file: Path, content: bytes) -> None:
    """All of it or nothing; StoreError where the disk refuses."""
    draft = file.with_name(f".{file.name}")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        raise StoreError(f"{file} could not be written: {error}; make its folder writable, with free space") from error


def prepare(folder: Path, order: Order) -> None:
    """The folder with its order; CallerError where another run lies there."""
    if (folder / PROGRESS).exists() or (
        (folder / DIALS).exists() and read_order(folder) != order  # whoever starts it may have written it
    ):
        raise CallerError(f"{folder} holds a run already; name another folder with --out, or remove it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} could not be made: {error}; name another with --out") from error
    write(folder / DIALS, msgspec.json.format(msgspec.json.encode(order)))


def read_order(folder: Path) -> Order:
    """The order; StoreError where it cannot be read."""
    return _read(folder / DIALS, Order)


def read_result(folder: Path) -> Result | None:
    """What was found; None: not yet, or never."""
    return _read(folder / RESULT, Result) if (folder / RESULT).exists() else None


def read_steps(folder: Path) -> list[Step]:
    """What was told so far."""
    try:
        text = (folder / PROGRESS).read_bytes()
    except FileNotFoundError:
        return []
    return list(_steps(text))


def read_error(folder: Path) -> str:
    """Why it failed; "" where it did not."""
    try:
        return (folder / ERROR).read_text("utf-8").strip()
    except FileNotFoundError:
        return ""


def _steps(text: bytes) -> Iterator[Step]:
    *lines, _ = text.split(b"\n")  # behind the last end of a line stands nothing, or a torn one
    return (_STEP.decode(line) for line in lines)


def _read(file: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"{file} cannot be read: {error}; delete the run") from error
