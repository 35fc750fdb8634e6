"""Runs of the simulated market: started as processes of their own, one at a time, watched by their files.

    DIR/market-runs/
        running      locked by the process that runs, whatever server started it; holds its run and process id
        ID/          what closedloop/market_files.py tells, and started.json (by whom, when), stopped.txt (by whom)

The lock is handed to the process when it is started, so it is held exactly as long as the process lives. The process
ends with the server: it is killed where the server ends, and ends by itself where the server is killed, since then the
pipe to its standard input closes. A run without an end, whose process is gone, was interrupted.
"""

import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from adcascade.closedloop import market_files as files
from adcascade.closedloop.market_figures import Result, Step
from adcascade.closedloop.market_order import Order
from adcascade.errors import StoreError
from adcascade.server.problems import RefusalError
from adcascade.server.upkeep import Lifespan

RUNNING, STARTED, STOPPED, SAID = "running", "started.json", "stopped.txt", "said.txt"
MOST_RUNS = 200
PATIENCE_S = 5.0  # for a process at its end
LOOKED_S = 0.5  # for a lock that somebody only looks at
STEP_S = 0.02
WIDE = 100  # characters of the lock's file
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
COMMAND = (sys.executable, "-m", "adcascade.cli", "market", "run", "--attended")
State = Literal["running", "done", "failed", "stopped", "interrupted", "damaged"]


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """Who started a run, and when."""

    by: str = ""
    time_us: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as its files tell. order None: it is damaged; trouble: why there is no result; steps: where asked for."""

    id: str
    state: State
    started: Started
    order: Order | None
    result: Result | None = None
    trouble: str = ""
    steps: tuple[Step, ...] = ()


class Alive(NamedTuple):
    """The run that goes on. pid 0: its process is being started."""

    id: str
    pid: int


class MarketRuns:
    """The runs below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: list[subprocess.Popen[bytes]] = []
        self._starting = threading.Lock()

    # ---- reading

    def all(self) -> list[Run]:
        """Every run, the newest first."""
        alive = self.alive()
        names = [one.name for one in self.folder.iterdir()] if self.folder.is_dir() else []
        runs = [self._read(name, alive) for name in names if NAME.fullmatch(name) and (self.folder / name).is_dir()]
        return sorted(runs, key=lambda run: (run.started.time_us, run.id), reverse=True)

    def read(self, run_id: str) -> Run:
        """One run with its steps; 404 where there is none."""
        folder = self._folder(run_id)
        run = self._read(run_id, self.alive())
        try:
            return msgspec.structs.replace(run, steps=tuple(files.read_steps(folder)))
        except msgspec.DecodeError as error:
            return msgspec.structs.replace(run, state="damaged", trouble=f"{files.PROGRESS} cannot be read: {error}")

    def alive(self) -> Alive | None:
        """The run that goes on, whichever server started it."""
        try:
            with (self.folder / RUNNING).open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    name, _, pid = file.read().decode().partition(" ")
                    return Alive(name, int(pid or 0))
                self._reap()
        except FileNotFoundError:
            pass
        return None

    def _busy(self) -> Alive | None:
        """As `alive`, but a process whose run has ended already is waited for."""
        deadline = time.monotonic() + PATIENCE_S
        while (alive := self.alive()) is not None and self._read(alive.id, alive).state != "running":
            if time.monotonic() > deadline:
                break
            time.sleep(STEP_S)
        return alive

    def _folder(self, run_id: str) -> Path:
        if not NAME.fullmatch(run_id) or not (self.folder / run_id).is_dir():
            raise RefusalError(404, "run", run_id, "a run that is there", "choose one on the page of the market")
        return self.folder / run_id

    def _read(self, run_id: str, alive: Alive | None) -> Run:
        folder, order, result = self.folder / run_id, None, None
        trouble = files.read_error(folder)
        try:
            started = _started(folder)
            order, result = files.read_order(folder), files.read_result(folder)
        except StoreError as error:
            return Run(id=run_id, state="damaged", started=Started(), order=None, trouble=str(error))
        state: State = "failed"
        if result is not None:
            state = "done"
        elif (folder / STOPPED).exists():
            state, trouble = "stopped", (folder / STOPPED).read_text("utf-8")
        elif not trouble:
            state = "running" if alive is not None and alive.id == run_id else "interrupted"
            trouble = "" if state == "running" else "its process ended before the run did, as when the server ends"
        return Run(id=run_id, state=state, started=started, order=order, result=result, trouble=trouble)

    # ---- doing

    def start(self, order: Order, *, by: str, now_us: int) -> str:
        """The id of a run that goes on from now; 409 where another one does, or too many are kept."""
        self._busy()
        with self._starting, self._locked() as lock:
            if len(self.all()) >= MOST_RUNS:
                raise RefusalError(409, "runs", MOST_RUNS, f"fewer than {MOST_RUNS} that are kept", "delete some first")
            run_id = f"{datetime.fromtimestamp(now_us / 1e6, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
            folder = self.folder / run_id
            files.prepare(folder, order)
            files.write(folder / STARTED, msgspec.json.encode(Started(by=by, time_us=now_us)))
            os.pwrite(lock, _line(run_id, 0), 0)
            with (folder / SAID).open("wb") as said:
                child = subprocess.Popen(  # noqa: S603  our own module, arguments that were checked
                    (*COMMAND, *order.arguments(), "--out", str(folder)),
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, pass_fds=(lock,),
                    start_new_session=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
                )  # fmt: skip
            self._children.append(child)
            os.pwrite(lock, _line(run_id, child.pid), 0)
        return run_id

    def stop(self, run_id: str, *, by: str) -> None:
        """End its process; 409 where it does not go on."""
        folder, alive = self._folder(run_id), self.alive()
        if alive is None or alive.id != run_id or not alive.pid:
            raise RefusalError(409, "run", run_id, "a run that goes on", "it has ended, or is only just starting")
        files.write(folder / STOPPED, f"stopped by {by}".encode())
        _kill(alive.pid)
        self._busy()
        shutil.rmtree(folder / files.INSTALLATION, ignore_errors=True)

    def delete(self, run_id: str) -> None:
        """All its files; 409 while it goes on."""
        folder, alive = self._folder(run_id), self._busy()
        if alive is not None and alive.id == run_id:
            raise RefusalError(409, "run", run_id, "a run that has ended", "stop it first")
        gone = self.folder / f".{run_id}"  # which no list shows, however long it takes
        try:
            folder.rename(gone)
            shutil.rmtree(gone)
        except OSError as error:
            raise StoreError(f"the run {run_id} could not be deleted: {error}; delete {folder} by hand") from error

    def end(self) -> None:
        """Kill what this server started, and wait for its end."""
        for child in self._children:
            if child.poll() is None:
                _kill(child.pid)
        self._reap()

    def _reap(self) -> None:
        """Wait for the children, which are at their ends: none holds the lock."""
        while self._children:
            child = self._children.pop()
            child.wait()
            if child.stdin is not None:
                child.stdin.close()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The lock of the one run; 409 where another process holds it, and not only looks."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / RUNNING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be used: {error}; make it writable") from error
        try:
            _lock(lock)
            yield lock
        finally:
            os.close(lock)


def _line(run_id: str, pid: int) -> bytes:
    """What the lock's file holds; always as long, so that nobody reads a part of it."""
    return f"{run_id} {pid}".ljust(WIDE).encode()


def _lock(lock: int) -> None:
    deadline = time.monotonic() + LOOKED_S
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise RefusalError(
                    409, "run", os.pread(lock, WIDE, 0).decode().partition(" ")[0], "none that goes on",
                    "one runs at a time: wait for its end, or stop it",
                ) from error  # fmt: skip
            time.sleep(STEP_S)


def _kill(pid: int) -> None:
    """The process and those that it started: it leads a group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _started(folder: Path) -> Started:
    try:
        return msgspec.json.decode((folder / STARTED).read_bytes(), type=Started)
    except FileNotFoundError:
        return Started()
    except msgspec.DecodeError as error:
        raise StoreError(f"{folder / STARTED} cannot be read: {error}; delete the run") from error


def ended_with(lifespan: Lifespan, runs: MarketRuns) -> Lifespan:
    """The server's lifespan, at whose end no run is left."""

    @asynccontextmanager
    async def around(app: object) -> AsyncIterator[None]:
        async with lifespan(app):
            try:
                yield
            finally:
                runs.end()

    return around
