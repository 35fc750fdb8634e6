"""Promoting: which bundle serves is changed by one at a time, and written down for good.

    bundles/promotions.jsonl    a line a change: when, who, from which version to which

Who decides by what he saw names the version that served then; if another serves by now, nothing is changed.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

from adcascade.cascade.bundle import Bundles
from adcascade.errors import InputError, StoreError
from adcascade.events.turn import Turn

FILE = "promotions.jsonl"
TAIL = 64 << 10  # bytes of the file that are read to show the newest lines


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line. before, after: versions, "" for none; share, reason: of a shadow (shadow/order.py)."""

    time_us: int
    who: str
    action: Literal["promote", "roll back", "shadow", "end shadow"]
    before: str
    after: str
    share: float = 0.0  # of the requests
    reason: str = ""  # why it ended by itself


def promote(bundles: Bundles, version: str, *, who: str, time_us: int, saw: str | None = None) -> Change | None:
    """Make a version the one that serves; None where it does already. saw: what served when this was decided.

    BundleError: it is absent or damaged; InputError: another one serves than `saw`. Then nothing was changed.
    """
    bundles.manifest(version)
    turn = Turn(bundles.folder / FILE)
    try:
        with turn:
            before = _expected(bundles, saw)
            bundles.promote(version)
            if before == version:
                return None
            return noted(bundles, Change(time_us=time_us, who=who, action="promote", before=before, after=version))
    finally:
        turn.close()


def roll_back(bundles: Bundles, *, who: str, time_us: int, saw: str | None = None) -> Change:
    """Go back to the version that served before; raises as `promote`, BundleError also where none did."""
    if not bundles.history():
        bundles.rollback()
    turn = Turn(bundles.folder / FILE)
    try:
        with turn:
            before = _expected(bundles, saw)
            after = bundles.rollback()
            return noted(bundles, Change(time_us=time_us, who=who, action="roll back", before=before, after=after))
    finally:
        turn.close()


def changes(folder: Path, most: int = 20) -> tuple[tuple[Change, ...], int]:
    """The newest lines, newest first; and how many of those looked at cannot be read."""
    file = folder / FILE
    if not file.exists():
        return (), 0
    with file.open("rb") as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(0, size - TAIL))
        lines = handle.read().splitlines()
    found, unread = [], 0
    for line in reversed(lines[1:] if size > TAIL else lines):
        try:
            found.append(msgspec.json.decode(line, type=Change))
        except (msgspec.DecodeError, UnicodeDecodeError):
            unread += 1
        if len(found) == most:
            break
    return tuple(found), unread


def _expected(bundles: Bundles, saw: str | None) -> str:
    """What serves now; InputError where that is not what was seen."""
    current = bundles.current() or ""
    if saw is not None and saw != current:
        raise InputError(
            "serving", saw, f"{current or 'none'}, which serves by now", "somebody was faster: look again, then decide"
        )
    return current


def noted(bundles: Bundles, change: Change) -> Change:
    """Bring the line to disk, for who holds the turn. StoreError: what it tells is done, and not noted."""
    try:
        with (bundles.folder / FILE).open("ab") as handle:
            handle.write(msgspec.json.encode(change) + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        done = f"{change.action} {change.after or change.before}"
        raise StoreError(f"{done} is done, but {FILE} could not be written: {error}; free some space") from error
    return change
