"""`adcascade serve --workers`: several processes at one port, killed one after the other while shoppers click."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import ClassVar

import pytest
from tests.server.process import Process, speak
from tests.server.test_money_survives import AUCTION, WHEN, Clicker, audit, stocked

from adcascade.cli.serve import EARS, ears
from adcascade.server.workers import Supervisor
from adcascade.settings import FILE, load_settings

WORKERS = 3
CALL = (
    "import sys; from adcascade.cli.serve import *\n"
    f"if __name__ == '__main__': serve(Path(sys.argv[1]), port=int(sys.argv[2]), workers={WORKERS})"
)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Three workers over two campaigns that pay per click."""
    stocked(tmp_path)
    with (tmp_path / FILE).open("a") as settings:
        settings.write(f"[server]\nworker_ports = {free_ports(WORKERS)}\n")
    script = tmp_path / "serve.py"
    script.write_text(CALL)
    server = Process(tmp_path, (str(script), "{folder}", "{port}"))
    server.start()
    yield server
    if server.child is not None and server.child.poll() is None:
        server.kill(signal.SIGTERM)


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens at."""
    for first in range(20_000 + os.getpid() % 10_000, 32_000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no ports are free")


def workers_of(process: Process) -> list[int]:
    """Pids of the workers."""
    assert process.child is not None
    (forker,) = (child for child in children_of(process.child.pid) if b"forkserver" in command_of(child))
    return children_of(forker)


def children_of(pid: int) -> list[int]:
    """Pids of a process' children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> bytes:
    """What a process was started as."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def serving(process: Process) -> list[int]:
    """The workers' pids, once each has answered. Nobody waits meanwhile: a question without an answer is an error."""
    deadline, answered = time.monotonic() + 60, set[int]()
    while time.monotonic() < deadline:
        try:
            answered.add(process.ask("GET", "/status.json")[1]["process"])
        except ConnectionError:  # it lay in the hands of a worker that was killed
            time.sleep(0.02)
        alive = workers_of(process)
        if len(alive) == WORKERS and answered >= set(alive):
            return alive
    raise AssertionError(f"{answered} answered of {workers_of(process)}")


def go_on(clickers: list[Clicker]) -> None:
    """Return once each clicker that has not lost its worker has had another click acknowledged."""
    before = [len(clicker.acknowledged) for clicker in clickers]
    deadline = time.monotonic() + 60
    for clicker, had in zip(clickers, before, strict=True):
        while clicker.is_alive() and len(clicker.acknowledged) == had:
            assert time.monotonic() < deadline, "clicks are not acknowledged"
            clicker.join(timeout=0.01)


def test_workers_die_and_no_click_is_lost_or_charged_twice(process: Process) -> None:
    """SIGKILL each worker once under load: the port answers on, every acknowledged click is logged and charged once.

    Before the kill every shopper has had a click acknowledged; after it each has another, unless his worker died.
    """
    acknowledged: dict[str, str] = {}
    for number in range(WORKERS):
        victim = serving(process)[number]
        clickers = [Clicker(process) for _ in range(3)]
        for clicker in clickers:
            clicker.start()
        go_on(clickers)
        assert all(clicker.is_alive() for clicker in clickers)
        os.kill(victim, signal.SIGKILL)
        go_on(clickers)
        assert process.ask("POST", "/v2/auctions", AUCTION)[0] == 200
        for clicker in clickers:
            clicker.stop = True
            clicker.join(timeout=20)
            acknowledged |= clicker.acknowledged
    some = list(acknowledged.items())[:900]
    again = [{"id": name, "resolvedBidId": token, "occurredAt": WHEN} for name, token in some]
    _, told = process.ask("POST", "/v2/events", {"clicks": again})
    assert {each["status"] for each in told["clicks"]} == {"duplicate"}
    process.kill(signal.SIGTERM)
    audit(process.folder, set(acknowledged))


def test_each_worker_has_a_port_of_its_own(process: Process) -> None:
    """What Prometheus scrapes there are that worker's counters, always the same one's."""
    alive = serving(process)
    first = load_settings(process.folder).server.worker_ports
    answered: list[int] = []
    for port in range(first, first + WORKERS):
        pids = set()
        for _ in range(5):
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            pids.add(speak(connection, "GET", "/status.json")[1]["process"])
            connection.close()
        answered += pids
    assert sorted(answered) == sorted(alive)


def test_workers_end_with_their_supervisor(process: Process) -> None:
    """SIGKILL the supervisor: no worker outlives it."""
    pids = serving(process)
    process.kill()
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return
        time.sleep(0.05)
    raise AssertionError("a worker goes on without its supervisor")


class Watched(socket.socket):
    """A socket that notes after each copy whether what all copies share would block."""

    blocked: ClassVar[list[bool]] = []

    def dup(self) -> "Watched":
        """As every socket does."""
        copy = super().dup()
        self.blocked.append(os.get_blocking(self.fileno()))
        return copy


def test_a_worker_that_starts_never_makes_the_shared_socket_block() -> None:
    """Another worker that accepts at that instant would stand still: nothing may block while the copies are made."""
    with socket.socket() as theirs:
        theirs.setblocking(False)
        with Watched(theirs.family, theirs.type, theirs.proto, fileno=os.dup(theirs.fileno())) as ours:
            for ear in ears(ours):
                ear.close()
    assert Watched.blocked == [False] * EARS


def _refuse(number: int, line: object) -> None:
    sys.exit(7)


def test_a_worker_that_never_starts_ends_the_supervisor() -> None:
    """Not a loop without end: after a few deaths in a row the exit status is 1."""
    assert Supervisor(1, _refuse, pause_s=0.01).run() == 1
