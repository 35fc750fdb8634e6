"""Supervision store: what teachers said of logged impressions, scored once and shared by every student.

    teachers      version -> the moment at which its training data ended
    predictions   (impression, version) -> probability, time of the impression, time of scoring
    asked         (impression, student): who wanted it

- An impression is scored once per version: what is there already is neither asked for nor overwritten.
- A look-up is *as of* the impression: only a teacher whose data ended before it may speak, the youngest such. A
  teacher that has learned from the impression's own click would hand the label to the student.
- What a teacher costs is the size of the union of what its students asked for, not the sum.

One SQLite file in WAL mode; every call is one transaction, on disk when it returns. Torch-free; any thread may call.
Letters in shapes: n impressions.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.errors import InputError, StoreError

TEACHER, AGE = "teacher", "teacher_age_days"  # columns that a sample table gains
IMPRESSION = "logged_bid"  # the column that names an impression for life
STORE = "store.db"  # the file, in the installation's folder of supervision
DAY_US = 86_400_000_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS teachers (version TEXT PRIMARY KEY, trained_until_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS predictions (
    impression TEXT, version TEXT REFERENCES teachers, probability REAL NOT NULL,
    time_us INTEGER NOT NULL, scored_us INTEGER NOT NULL, PRIMARY KEY (impression, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (impression TEXT, student TEXT, PRIMARY KEY (impression, student)) WITHOUT ROWID;
"""
AS_OF = """
SELECT wanted.key, predictions.probability, predictions.time_us - teachers.trained_until_us
FROM json_each(?) AS wanted JOIN predictions ON predictions.impression = wanted.value JOIN teachers USING (version)
WHERE teachers.trained_until_us <= predictions.time_us ORDER BY teachers.trained_until_us, version
"""


class Supervision(NamedTuple):
    """What is known of n impressions; NaN where nothing is."""

    probability: NDArray[np.float32]  # [n]
    age_days: NDArray[np.float32]  # [n] from the end of the teacher's data to the impression


class SupervisionStore:
    """The store in the file at `path`, created where it is absent; use it in a `with`. Raises StoreError."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, check_same_thread=False)
            self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the supervision store {self.path} cannot be opened: {error}") from error

    def register(self, version: str, trained_until_us: int) -> None:
        """Name a teacher; again is allowed. InputError where its data is said to end at another time than before."""
        self._write("INSERT OR IGNORE INTO teachers VALUES (?, ?)", [(version, trained_until_us)])
        known = self._rows("SELECT trained_until_us FROM teachers WHERE version = ?", (version,))[0][0]
        if known != trained_until_us:
            raise InputError(
                "trained_until_us", trained_until_us, f"{known}, as before for {version!r}", "name another version"
            )

    def ask(self, student: str, impressions: Sequence[str]) -> None:
        """Note that a student wants these impressions."""
        self._write("INSERT OR IGNORE INTO asked VALUES (?, ?)", [(one, student) for one in impressions])

    def unscored(self, version: str, impressions: Sequence[str]) -> NDArray[np.bool_]:
        """Which of n impressions this version has not scored, [n]."""
        missing = np.ones(len(impressions), np.bool_)
        found = self._rows(
            "SELECT wanted.key FROM json_each(?) AS wanted JOIN predictions ON predictions.impression = wanted.value "
            "WHERE predictions.version = ?",
            (_json(impressions), version),
        )
        missing[[place for (place,) in found]] = False
        return missing

    def put(
        self,
        version: str,
        impressions: Sequence[str],
        probability: NDArray[np.floating],
        time_us: NDArray[np.int64],
        *,
        scored_us: int,
    ) -> int:
        """Keep a registered teacher's probabilities [n] of impressions at these times [n]; how many are new.

        InputError for what is no probability; StoreError for an unknown version.
        """
        wrong = ~((probability >= 0) & (probability <= 1))
        if wrong.any():
            raise InputError("probability", float(probability[wrong][0]), "a number from 0 to 1")
        rows = zip(impressions, probability.tolist(), time_us.tolist(), strict=True)
        return self._write(
            "INSERT OR IGNORE INTO predictions VALUES (?, ?, ?, ?, ?)",
            [(impression, version, p, time, scored_us) for impression, p, time in rows],
        )

    def as_of(self, impressions: Sequence[str]) -> Supervision:
        """What the youngest teacher that had not seen each impression said of it, [n]."""
        answer = Supervision(*(np.full(len(impressions), np.nan, np.float32) for _ in Supervision._fields))
        for place, probability, age_us in self._rows(AS_OF, (_json(impressions),)):  # younger teachers come later
            answer.probability[place], answer.age_days[place] = probability, age_us / DAY_US
        return answer

    def calls(self, version: str | None = None) -> int:
        """How many impressions this version scored, or all versions together."""
        every = "SELECT count(*) FROM predictions"
        found = self._rows(every) if version is None else self._rows(f"{every} WHERE version = ?", (version,))
        return int(found[0][0])

    def union(self, *students: str) -> int:
        """How many different impressions these students asked for."""
        sql = "SELECT count(DISTINCT impression) FROM asked WHERE student IN (SELECT value FROM json_each(?))"
        return int(self._rows(sql, (_json(students),))[0][0])

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, sql: str, rows: Sequence[tuple[object, ...]]) -> int:
        """One transaction; how many rows were inserted."""
        with self._lock:
            before = self._connection.total_changes
            try:
                with self._connection:
                    self._connection.executemany(sql, rows)
            except sqlite3.Error as error:
                raise StoreError(f"the supervision store {self.path} refuses: {error}") from error
            return self._connection.total_changes - before

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(sql, tuple(values)).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"the supervision store {self.path} cannot be read: {error}") from error


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()


def supervised_share(tables: Iterable[pa.Table]) -> float:
    """Share of the rows of which a teacher said something; 0 without rows."""
    rows = known = 0
    for table in tables:
        rows += len(table)
        known += len(table) - table[TEACHER].null_count
    return known / max(rows, 1)


def with_supervision(table: pa.Table, store: SupervisionStore) -> pa.Table:
    """The sample table with two more columns, float32: the teacher's probability and its age; null where unknown."""
    found = store.as_of(table[IMPRESSION].to_pylist())
    for name, values in zip((TEACHER, AGE), found, strict=True):
        table = table.append_column(name, pa.array(values, pa.float32(), from_pandas=True))
    return table
