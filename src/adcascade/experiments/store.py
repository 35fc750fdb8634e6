"""Where experiments are kept: in the journal's file, written by the journal's commits.

    experiments           what was asked, once and for ever
    experiment_statuses   draft, running, stopped: every change, with its time
    experiment_shares     every allocation that was ever in force
    experiment_pins       hash of a unit -> number of the allocation under which it first came

All but the pins are append-only. A commit holds everything that was handed to the journal before it, so a new
allocation is on disk only together with the records, which name their pins, of those who came under the old one.
"""

import sqlite3
from collections.abc import Mapping
from concurrent.futures import Future

import msgspec

from adcascade.errors import CallerError, InputError
from adcascade.events.journal import Journal
from adcascade.experiments.experiment import Allocation, Experiment, Status, checked, checked_shares

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS experiments (
        name TEXT PRIMARY KEY,
        plan BLOB NOT NULL,  -- JSON of an Experiment
        created_us INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS experiment_statuses (
        number INTEGER PRIMARY KEY,
        experiment TEXT NOT NULL,
        status TEXT NOT NULL,
        since_us INTEGER NOT NULL,
        after_seq INTEGER NOT NULL  -- the log's last record before
    )""",
    """CREATE TABLE IF NOT EXISTS experiment_shares (
        number INTEGER PRIMARY KEY,
        experiment TEXT NOT NULL,
        from_us INTEGER NOT NULL,
        shares TEXT NOT NULL,  -- JSON, in the order of the variants
        reason TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS experiment_pins (
        experiment TEXT NOT NULL,
        unit INTEGER NOT NULL,
        allocation INTEGER NOT NULL,
        PRIMARY KEY (experiment, unit)
    ) WITHOUT ROWID""",
)
NEXT: dict[Status, tuple[Status, ...]] = {"draft": ("running", "stopped"), "running": ("stopped",), "stopped": ()}


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment with its history, oldest first."""

    experiment: Experiment
    created_us: int
    statuses: tuple[tuple[Status, int, int], ...]  # since when, and after which record of the log
    allocations: tuple[Allocation, ...]

    @property
    def status(self) -> Status:
        """What it is now."""
        return self.statuses[-1][0]

    @property
    def started_seq(self) -> int:
        """The log's last record before the experiment began, 0 where it has not."""
        return next((seq for status, _, seq in self.statuses if status == "running"), 0)


class ExperimentStore:
    """The experiments of one installation. Any thread may call; several processes may open the same file."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        journal.transact(_create).result()

    @property
    def version(self) -> tuple[int, int]:
        """Changes with every status and every allocation."""
        row = self._journal.query(
            "SELECT (SELECT coalesce(max(number), 0) FROM experiment_statuses),"
            " (SELECT coalesce(max(number), 0) FROM experiment_shares)"
        )[0]
        return int(row[0]), int(row[1])

    def create(self, experiment: Experiment, shares: tuple[float, ...], now_us: int) -> None:
        """A draft. InputError for one that cannot be run; CallerError where the name was used before."""
        checked(experiment)
        checked_shares(experiment, shares)
        self._journal.transact(lambda connection: _insert(connection, experiment, shares, now_us)).result()

    def set_status(self, name: str, status: Status, now_us: int) -> None:
        """Start or stop. One experiment runs at a time, and what was stopped stays so."""
        self.get(name)
        self._journal.transact(lambda connection: _set_status(connection, name, status, now_us)).result()

    def allocate(self, name: str, shares: tuple[float, ...], now_us: int, reason: str) -> Allocation:
        """Other shares for units that come from now on; durable when it returns."""
        checked_shares(self.get(name).experiment, shares)
        return self._journal.transact(lambda connection: _allocate(connection, name, shares, now_us, reason)).result()

    def pin(self, name: str, pins: Mapping[int, int]) -> "Future[None]":
        """Keep these pins; a unit's first one stays."""
        rows = [(name, unit, allocation) for unit, allocation in pins.items()]
        return self._journal.transact(lambda connection: _pin(connection, rows))

    def pins(self, name: str) -> dict[int, int]:
        """All pins of an experiment."""
        rows = self._journal.query("SELECT unit, allocation FROM experiment_pins WHERE experiment = ?", (name,))
        return dict(rows)

    def all(self) -> list[Stored]:
        """Every experiment, in order of creation."""
        rows = self._journal.query("SELECT name FROM experiments ORDER BY created_us, name")
        return [self.get(name) for (name,) in rows]

    def get(self, name: str) -> Stored:
        """One experiment; InputError, with what there is, where there is none of that name."""
        found = self._journal.query("SELECT plan, created_us FROM experiments WHERE name = ?", (name,))
        if not found:
            known = ", ".join(n for (n,) in self._journal.query("SELECT name FROM experiments ORDER BY name"))
            raise InputError("experiment", name, f"one of: {known or 'none yet'}", "see `adcascade experiment list`")
        statuses = self._journal.query(
            "SELECT status, since_us, after_seq FROM experiment_statuses WHERE experiment = ? ORDER BY number", (name,)
        )
        shares = self._journal.query(
            "SELECT number, from_us, shares, reason FROM experiment_shares WHERE experiment = ? ORDER BY number",
            (name,),
        )
        return Stored(
            experiment=msgspec.json.decode(found[0][0], type=Experiment),
            created_us=found[0][1],
            statuses=tuple(statuses),
            allocations=tuple(
                Allocation(number=n, from_us=at, shares=tuple(msgspec.json.decode(text)), reason=reason)
                for n, at, text, reason in shares
            ),
        )

    def running(self) -> Stored | None:
        """The experiment that has the traffic now, if any."""
        rows = self._journal.query(_RUNNING)
        return self.get(rows[0][0]) if rows else None


_RUNNING = (
    "SELECT experiment FROM experiment_statuses s WHERE status = 'running' AND number ="
    " (SELECT max(number) FROM experiment_statuses WHERE experiment = s.experiment)"
)


def _create(connection: sqlite3.Connection) -> None:
    for statement in SCHEMA:
        connection.execute(statement)


def _insert(connection: sqlite3.Connection, experiment: Experiment, shares: tuple[float, ...], now_us: int) -> None:
    if connection.execute("SELECT 1 FROM experiments WHERE name = ?", (experiment.name,)).fetchone():
        raise CallerError(
            f"there was an experiment {experiment.name!r} already; its name spreads units: choose another"
        )
    plan = msgspec.json.encode(experiment)
    connection.execute("INSERT INTO experiments VALUES (?, ?, ?)", (experiment.name, plan, now_us))
    _add_status(connection, experiment.name, "draft", now_us)
    _allocate(connection, experiment.name, shares, now_us, "as created")


def _set_status(connection: sqlite3.Connection, name: str, status: Status, now_us: int) -> None:
    was: Status = connection.execute(
        "SELECT status FROM experiment_statuses WHERE experiment = ? ORDER BY number DESC LIMIT 1", (name,)
    ).fetchone()[0]
    if status not in NEXT[was]:
        raise CallerError(f"experiment {name!r} is {was} and cannot become {status}; create another for a new question")
    other = connection.execute(_RUNNING).fetchone()
    if status == "running" and other:
        raise CallerError(f"experiment {other[0]!r} is running; stop it first: one has the traffic at a time")
    _add_status(connection, name, status, now_us)


def _add_status(connection: sqlite3.Connection, name: str, status: Status, now_us: int) -> None:
    connection.execute(
        "INSERT INTO experiment_statuses (experiment, status, since_us, after_seq)"
        " VALUES (?, ?, ?, (SELECT coalesce(max(seq), 0) FROM records))",
        (name, status, now_us),
    )


def _allocate(
    connection: sqlite3.Connection, name: str, shares: tuple[float, ...], now_us: int, reason: str
) -> Allocation:
    cursor = connection.execute(
        "INSERT INTO experiment_shares (experiment, from_us, shares, reason) VALUES (?, ?, ?, ?)",
        (name, now_us, msgspec.json.encode(shares).decode(), reason),
    )
    return Allocation(number=int(cursor.lastrowid or 0), from_us=now_us, shares=shares, reason=reason)


def _pin(connection: sqlite3.Connection, rows: list[tuple[str, int, int]]) -> None:
    connection.executemany("INSERT OR IGNORE INTO experiment_pins VALUES (?, ?, ?)", rows)
