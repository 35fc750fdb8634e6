"""Sealing: old records leave the journal's file for Parquet; readers of the journal notice nothing.

A seal is written, brought to disk, read again and compared; only then, in one transaction, the journal says that
it holds these records no more. A crash in between leaves files that nobody refers to, and the next seal writes
them anew. Ids stay known in the journal, so that a repeated event is still a duplicate, until `forget`.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from adcascade.errors import InputError, StoreError
from adcascade.events.journal import Journal
from adcascade.events.sealed import Seal, SealedFile, SealedRow, verify, write_file, write_manifest
from adcascade.events.table import KINDS
from adcascade.events.token import MOST_VALID_US, TAKEN_US

__all__ = ["forget", "seal"]

KNOWN_US = MOST_VALID_US + TAKEN_US  # how long an answer's events may come
PAGE = 2000  # records a step handles: how long the journal's writer may be held up


def seal(journal: Journal, folder: Path, before_us: int) -> Seal | None:
    """Seal every record up to the last one older than `before_us`; None where there is nothing to seal.

    Call it about hourly with the start of the hour. `folder` gets one subfolder per seal and must stay where it is,
    relative to the journal's file if it lies beside or below it. Raises StoreError where the disk refuses or the
    files do not hold what was written; then the journal is as it was.
    """
    journal.flush()
    _drop_payloads(journal)
    first, last = _range(journal, before_us)
    if first > last:
        return None
    target = folder / Seal(first, last, []).name
    try:
        if target.exists():
            shutil.rmtree(target)  # of a seal that did not come to its end
        target.mkdir(parents=True)
        files = [write_file(target, kind, _pages(journal, kind, first, last)) for kind in KINDS.values()]
        made = Seal(first, last, [file for file in files if file is not None])
        write_manifest(target, made)
    except OSError as error:
        raise StoreError(f"cannot seal into {target}: {error}; free space or give another folder") from error
    _compare(journal, verify(target), made.files)
    journal.transact(lambda connection: _hand_over(connection, made, journal.path, target)).result()
    _drop_payloads(journal)
    return made


def forget(journal: Journal, before_us: int) -> int:
    """Forget the ids of sealed records that arrived before `before_us`; how many. Then such an id would be new again.

    So it must not be one that a token can still bring: InputError where answers of so young a time could.
    """
    latest = journal.query("SELECT coalesce(max(time_us), 0) FROM records WHERE kind = 'auction'")[0][0]
    if latest and before_us > latest - KNOWN_US:
        raise InputError(
            "before_us",
            before_us,
            f"at most {latest - KNOWN_US}",
            "events of later answers may still be reported again",
        )
    total = 0
    while count := journal.transact(lambda connection: _forget(connection, before_us)).result():
        total += count
    return total


def _range(journal: Journal, before_us: int) -> tuple[int, int]:
    """First and last seq to seal; the first above the last where there are none."""
    sealed = journal.query("SELECT coalesce(max(last_seq), 0) FROM seals")[0][0]
    last = journal.query(
        "SELECT seq FROM records WHERE seq > ? AND time_us < ? ORDER BY seq DESC LIMIT 1", (sealed, before_us)
    )
    return sealed + 1, last[0][0] if last else 0


def _pages(journal: Journal, kind: str, first: int, last: int) -> Iterator[list[SealedRow]]:
    after = first - 1
    sql = (  # +kind: walk by seq, not by the index on ids
        "SELECT seq, id, time_us, payload FROM records WHERE +kind = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
    )
    while page := journal.query(sql, (kind, after, last, PAGE)):
        yield [(seq, identity, time_us, payload) for seq, identity, time_us, payload in page]
        after = page[-1][0]


def _compare(journal: Journal, found: Seal, written: list[SealedFile]) -> None:
    """What was read back is what was written, and as many records as the journal counts."""
    counted = journal.query(
        "SELECT count(*) FROM records WHERE seq BETWEEN ? AND ? AND payload IS NOT NULL",
        (found.first_seq, found.last_seq),
    )[0][0]
    if found.files != written or found.rows != counted:
        raise StoreError(f"seal {found.name} holds {found.rows} of {counted} records; nothing was removed, try again")


def _hand_over(connection: sqlite3.Connection, made: Seal, journal: Path, target: Path) -> None:
    """From this commit on readers go to the seal."""
    base, target = journal.resolve().parent, target.resolve()
    place = target.relative_to(base) if target.is_relative_to(base) else target
    connection.execute("INSERT INTO seals VALUES (?, ?, ?)", (made.last_seq, made.first_seq, str(place)))


def _drop_payloads(journal: Journal) -> None:
    """Drop what the newest seal holds; anew at the next seal, should this one be interrupted."""
    for first, last in journal.query("SELECT first_seq, last_seq FROM seals ORDER BY last_seq DESC LIMIT 1"):
        for low in range(first, last + 1, PAGE):
            _drop(journal, low, min(low + PAGE - 1, last))


def _drop(journal: Journal, low: int, high: int) -> None:
    sql = "UPDATE records SET payload = NULL WHERE seq BETWEEN ? AND ? AND payload IS NOT NULL"
    journal.transact(lambda connection: connection.execute(sql, (low, high)).rowcount).result()


def _forget(connection: sqlite3.Connection, before_us: int) -> int:
    """One step. The newest record stays, so that seq never starts anew.

    A reporter may claim any time for its event, but not arrive before an answer that the log already has: what stands
    behind the first answer of a later time is kept, whatever its own time says.
    """
    return connection.execute(
        "DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE payload IS NULL AND time_us < ?"
        " AND seq < (SELECT max(seq) FROM records)"
        " AND seq < coalesce((SELECT min(seq) FROM records WHERE kind = 'auction' AND time_us >= ?), ?) LIMIT ?)",
        (before_us, before_us, 2**63 - 1, PAGE),
    ).rowcount
