"""Throw-away servers: a real PostgreSQL or Redis in a folder of its own, that can be killed and started again.

They are for trials only. PostgreSQL is reached by a socket in its folder, Redis at a free port of 127.0.0.1.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from adcascade.errors import DataMissingError, StoreError

PROGRAMS = (*map(Path, os.environ.get("PATH", "").split(os.pathsep)), *Path("/usr/lib/postgresql").glob("*/bin"))
QUIET = subprocess.DEVNULL
PATIENCE_S = 30.0  # a server that does not start within is broken


class Server(Protocol):
    """A store that runs as processes of its own."""

    url: str

    def start(self) -> None:
        """Start it over what lies in its folder; returns when it answers."""
        ...

    def kill(self) -> None:
        """End all its processes with SIGKILL."""
        ...

    def stop(self) -> None:
        """Kill it and remove its folder."""
        ...

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def program(name: str) -> str:
    """Where a program lies; DataMissingError says which package brings it."""
    found = next((str(folder / name) for folder in PROGRAMS if (folder / name).exists()), None)
    if found is None:
        package = "redis-server" if name.startswith("redis") else "postgresql"
        raise DataMissingError(f"the program {name} is absent; install the package {package}")
    return found


class PostgresServer(Server):
    """A PostgreSQL cluster; durable: with fsync, as it is in earnest."""

    def __init__(self, *, durable: bool = True) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="adcascade-pg-"))
        self.folder.chmod(0o777)  # its owner is another user where we are root
        self.url = f"postgresql+psycopg://tester@/postgres?host={self.folder}"
        self._data = self.folder / "data"
        self._options = f"-c listen_addresses= -c unix_socket_directories={self.folder}"
        self._options += " -c recovery_init_sync_method=syncfs"  # not a thousand files, one by one
        if not durable:
            self._options += " -c fsync=off"
        self._as_owner(program("initdb"), "-D", str(self._data), "-U", "tester", "--auth=trust", "--no-sync")

    def start(self) -> None:
        """Start it, recovering what a kill left; the kernel may need a moment to let go of the dead."""
        command = (program("pg_ctl"), "-D", str(self._data), "-w", "-l", str(self.folder / "log"))
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._as_owner(*command, "-o", self._options, "start")
            except subprocess.CalledProcessError as error:
                if time.monotonic() > deadline:
                    raise StoreError(f"PostgreSQL does not start; see {self.folder / 'log'}") from error
                time.sleep(0.2)
            else:
                return

    def kill(self) -> None:
        """SIGKILL to the postmaster, then to all that it had started."""
        master = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        _kill([master, *_children(master)])
        (self._data / "postmaster.pid").unlink()  # a zombie, until somebody buries it, would pass for a running server

    def stop(self) -> None:
        """Kill it and remove its folder."""
        if (self._data / "postmaster.pid").exists():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_owner(self, *command: str) -> None:
        """Run a program of PostgreSQL, which refuses to run as root."""
        if getpass.getuser() == "root":
            command = ("runuser", "-u", "postgres", "--", *command)
        subprocess.run(command, check=True, cwd="/", stdout=QUIET, stderr=QUIET)  # noqa: S603  our own words


class RedisServer(Server):
    """A Redis that keeps every command on disk before it answers; `options` come after ours and win."""

    def __init__(self, options: Sequence[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="adcascade-redis-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        ours = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "")
        where = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder))
        self._command = (program("redis-server"), *where, *ours, *options)
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it has read its file."""
        self._child = subprocess.Popen(self._command, stdout=QUIET, stderr=QUIET)  # noqa: S603  our own words
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if time.monotonic() > deadline or self._child.poll() is not None:
                raise StoreError(f"Redis does not start at port {self.port}, folder {self.folder}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def stop(self) -> None:
        """Kill it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        """Whether it says PONG, which it does not while it loads."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _children(process: int) -> list[int]:
    """Processes whose parent is `process`, where the system tells."""
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def _kill(processes: Sequence[int]) -> None:
    """SIGKILL to each, and wait until all are gone."""
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + PATIENCE_S
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            raise StoreError(f"processes {processes} do not die")
        time.sleep(0.01)


def _lives(process: int) -> bool:
    """Whether it still runs; a zombie does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
