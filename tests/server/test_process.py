"""A real process over a real journal: what it acknowledged survives its death, and dawdlers do not hold it."""

import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from tests.server.process import Process, speak

from adcascade.events.journal import Journal
from adcascade.events.records import Click, Impression

WHEN = "2025-06-15T15:06:40Z"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """A running server."""
    server = Process(tmp_path)
    server.start()
    yield server
    if server.child is not None and server.child.poll() is None:
        server.kill()


class Reporter(threading.Thread):
    """Reports events as fast as it can, some of them twice, and remembers which were acknowledged."""

    def __init__(self, process: Process, name: str, token: str) -> None:
        super().__init__(daemon=True)
        self.process, self.prefix, self.token = process, name, token
        self.acknowledged: set[str] = set()

    def run(self) -> None:
        """Until the server dies."""
        connection = HTTPConnection("127.0.0.1", self.process.port, timeout=10)
        try:
            for number in range(100_000):
                ids = [f"{self.prefix}-{number}", f"{self.prefix}-{max(0, number - 1)}"]
                events = [{"id": each, "resolvedBidId": self.token, "occurredAt": WHEN} for each in ids]
                _, told = speak(connection, "POST", "/v2/events", {"impressions": events})
                self.acknowledged |= {each["id"] for each in told["impressions"] if each["status"] != "rejected"}
        except (OSError, HTTPException):
            return
        finally:
            connection.close()


@pytest.mark.parametrize("patience", [0.15, 0.4])
def test_a_killed_server_loses_nothing_it_acknowledged_and_counts_nothing_twice(
    process: Process, patience: float
) -> None:
    """SIGKILL amid events from four clients: every acknowledged id is in the log once; sent again it is a duplicate."""
    auction = {"auctions": [{"type": "listings", "slots": 1}]}
    token = process.ask("POST", "/v2/auctions", auction)[1]["results"][0]["winners"][0]["resolvedBidId"]
    reporters = [Reporter(process, f"r{number}", token) for number in range(4)]
    for reporter in reporters:
        reporter.start()
    while any(len(reporter.acknowledged) < 5 for reporter in reporters):
        time.sleep(0.01)
    time.sleep(patience)
    process.kill()
    for reporter in reporters:
        reporter.join(timeout=20)
    acknowledged = set().union(*(reporter.acknowledged for reporter in reporters))
    with Journal(process.folder / "journal.db") as journal:
        logged = [record.id for _, record in journal.read() if isinstance(record, Impression)]
    assert len(logged) == len(set(logged))
    assert acknowledged <= set(logged)

    process.start()
    again = [{"id": each, "resolvedBidId": token, "occurredAt": WHEN} for each in sorted(acknowledged)[:500]]
    _, told = process.ask("POST", "/v2/events", {"impressions": again})
    assert {each["status"] for each in told["impressions"]} == {"duplicate"}


def test_a_click_is_in_the_log_before_its_redirect(process: Process) -> None:
    """Killed right after the 302, the server has the click."""
    auction = {"auctions": [{"type": "listings", "slots": 1}]}
    click = process.ask("POST", "/v2/auctions", auction)[1]["results"][0]["winners"][0]["clickUrl"]
    assert process.ask("GET", click.removeprefix(f"http://127.0.0.1:{process.port}"))[0] == 302
    process.kill()
    with Journal(process.folder / "journal.db") as journal:
        assert [type(record) for _, record in journal.read()] == [Click]


def raw(process: Process, *parts: bytes, pause: float = 0.0) -> bytes:
    """What the server says to these bytes, sent with pauses until it speaks or they end; read until it closes."""
    heard = b""
    with socket.create_connection(("127.0.0.1", process.port), timeout=15) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                if select.select([connection], [], [], pause)[0]:
                    break
            while chunk := connection.recv(65536):
                heard += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    return heard


HEAD = b"POST /openrtb2/bid HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def test_dawdlers_are_told_and_closed_while_others_are_served(process: Process) -> None:
    """Silence, headers that never end and bodies that trickle: 408 and closed; a request in between is answered."""
    slow = [
        (b"",),
        (HEAD,),
        (HEAD + b"content-length: 100\r\n\r\n{",),
        (HEAD, *(b"x-%d: y\r\n" % number for number in range(12))),
    ]
    heard: list[bytes] = []
    threads = [threading.Thread(target=lambda p=parts: heard.append(raw(process, *p, pause=0.2))) for parts in slow]
    for thread in threads:
        thread.start()
    assert process.ask("GET", "/health")[0] == 200
    for thread in threads:
        thread.join(timeout=20)
    assert len(heard) == len(slow)
    assert all(b" 408 " in answer.split(b"\r\n")[0] for answer in heard)


def test_nonsense_is_refused_and_the_server_lives(process: Process) -> None:
    """No HTTP, deep nesting, lies about the length, endless chunks: 400 or 413 each, and health after all."""
    deep = b"[" * 200_000
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    for parts in (
        (b"\x16\x03\x01 nonsense\r\n\r\n",),
        (HEAD + b"connection: close\r\ncontent-length: 200000\r\n\r\n" + deep,),
        (HEAD + b"connection: close\r\ncontent-length: 99999999999\r\n\r\n",),
        (HEAD + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n" + chunk * 40,),
        (HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\n\xff\xfe",),
    ):
        status = raw(process, *parts).split(b" ")[1:2]
        assert status in ([b"400"], [b"413"]), parts[0][-40:]
    assert process.ask("GET", "/health")[0] == 200


def test_a_server_that_is_asked_to_stop_stops_cleanly(process: Process) -> None:
    """SIGTERM: it ends by itself, without a complaint."""
    assert process.ask("GET", "/health")[0] == 200
    assert process.kill(signal.SIGTERM) == b""
