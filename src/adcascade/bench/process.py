"""Processes under measurement: a server with its workers, and what they cost (Linux: read from /proc)."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class Served(NamedTuple):
    """A running server: its port and its first process."""

    port: int
    pid: int

    @property
    def cpu_s(self) -> float:
        """User and system time so far, of it and of all processes that it started."""
        return sum(cpu_seconds(pid) for pid in family(self.pid))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        children += map(int, task.read_text().split())
    return [pid, *(one for child in children for one in family(child))]


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(
    command: Sequence[str | Path],
    port: int,
    *,
    ready: str = "/ready",
    alone: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    within_s: float = 600.0,
) -> Iterator[Served]:
    """Run a command until the block ends, from when it answers 200 at `ready`, at the port and at those of `alone`.

    alone: where single workers answer. RuntimeError with its last words where it ends before, or is not ready in time.
    """
    variables = os.environ | dict(environment or {})
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables)  # noqa: S603  our own
    try:
        for each in (port, *alone):
            _wait(child, each, ready, time.monotonic() + within_s)
        yield Served(port, child.pid)
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def _wait(child: "subprocess.Popen[str]", port: int, ready: str, until: float) -> None:
    while time.monotonic() < until:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with {child.returncode}: {child.stderr.read()[-2000:]}")  # type: ignore[union-attr]
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", ready)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"the server was not ready within its time at port {port}")
