"""Abuse over a real socket gets a 4xx or a closed connection, costs little, and leaves the server to the others.

"Little" is CPU time of the server process, measured in good requests of the same machine at the same time: a fixed
number for whatever is short, and for each mebibyte on the wire less than what the good requests in as many bytes cost.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.attack import GOOD, HEAD, MIB, Attack, Meter, bodies, chunked, gzips, heads, post, raw, status
from tests.server.process import Process
from tests.server.shop import CONNECTIONS

from adcascade.server.bounds import AHEAD

ANSWERED = {200, 204}  # 204: declined in time, where the machine is busy with other things
LATE = ("overload", "too-late")  # the reasons for that
SHORT, A_MIB = 60, 400  # good requests' cost: of a short attack, and of each mebibyte beside
MEMORY_MIB = 64  # that an attack may leave behind


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server that all attacks of this file meet; it is alive and well after the last one, and its log is JSON."""
    server = Process(tmp_path_factory.mktemp("abuse"))
    server.start()
    yield server
    assert status(raw(server, post(GOOD))) in ANSWERED
    for line in server.kill().decode().splitlines():
        assert isinstance(json.loads(line), dict), line


@pytest.fixture(scope="module")
def good_s(process: Process) -> float:
    """CPU seconds of a good request on a connection of its own."""
    for _ in range(30):
        raw(process, post(GOOD))
    return Meter(process).cost_s(lambda: [raw(process, post(GOOD)) for _ in range(100)]) / 100


EVERY = [(kind.__name__, attack) for kind in (bodies, gzips, heads) for attack in kind()]


@pytest.mark.parametrize("attack", [attack for _, attack in EVERY], ids=[f"{kind}: {a.name}" for kind, a in EVERY])
def test_an_attack_is_refused_and_costs_little(process: Process, good_s: float, attack: Attack) -> None:
    """The status is right, CPU is within the budget of its size, memory comes back, and a good request is answered.

    What is a right request may be declined like any other, and then it is counted as late: reading it takes time.
    """
    meter, heard, late = Meter(process), b"", declined(process)
    before = meter.memory_mib()

    def once() -> None:
        nonlocal heard
        heard = raw(process, attack.data)

    cost = meter.cost_s(once)
    assert status(heard) in attack.answers or (status(heard) == 204 and declined(process) == late + 1), heard[:200]
    assert cost <= good_s * (SHORT + A_MIB * len(attack.data) / MIB)
    assert len(heard) < 4096, "the answer repeats the attack"
    assert meter.memory_mib() - before < MEMORY_MIB
    assert status(raw(process, post(GOOD))) in ANSWERED


def declined(process: Process) -> float:
    """How many requests the server has declined because they were late."""
    told = process.ask("GET", "/metrics")[1].decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
        if sample.name == "adcascade_no_bids_total" and sample.labels["reason"] in LATE
    )


def drip(data: bytes, step: int, pause: float) -> Callable[[socket.socket], bytes]:
    """Send a few bytes at a time until the server ends it; what it said."""

    def attack(connection: socket.socket) -> bytes:
        connection.settimeout(pause)
        for start in range(0, len(data), step):
            try:
                connection.sendall(data[start : start + step])
                return connection.recv(65536)
            except TimeoutError:
                continue  # it waits for more
            except (ConnectionResetError, BrokenPipeError):
                return b""
        raise AssertionError("it waited to the end")

    return attack


SLOW = {
    "head, a byte at a time": drip(post(GOOD), 1, 0.02),
    "head, slower": drip(post(GOOD), 1, 0.3),
    "headers, one by one": drip(HEAD % b"/openrtb2/bid" + b"x: y\r\n" * 1000, 6, 0.02),
    "body, a byte at a time": drip(post(b" " * 5000 + GOOD), 120, 0.05),
    "chunks, one by one": drip(chunked(b"1\r\n \r\n" * 1000), 6, 0.02),
}


@pytest.mark.parametrize("attack", SLOW.values(), ids=SLOW)
def test_slow_lorises_of_every_speed_are_cut(
    process: Process, good_s: float, attack: Callable[[socket.socket], bytes]
) -> None:
    """Eight that send a little now and then are told 408 in time; each costs less than a few good requests."""
    told: list[bytes] = []

    def one() -> None:
        with socket.create_connection(("127.0.0.1", process.port), timeout=20) as connection:
            told.append(attack(connection))

    def eight() -> None:
        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert status(raw(process, post(GOOD))) in ANSWERED
        for thread in threads:
            thread.join(timeout=20)

    cost = Meter(process).cost_s(eight)
    assert [status(answer) for answer in told] == [408] * 8
    assert cost <= 8 * SHORT * good_s


def test_who_never_reads_is_dropped(process: Process) -> None:
    """Answers that nobody reads are kept for a while, not for ever: then the connection ends, and memory comes back."""
    meter = Meter(process)
    memory = meter.memory_mib()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", process.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * AHEAD)
        time.sleep(0.1)
        assert meter.holds(connection)
        end = time.monotonic() + 10
        while meter.holds(connection):
            assert time.monotonic() < end, "it is kept"
            time.sleep(0.05)
    assert meter.memory_mib() - memory < MEMORY_MIB
    assert status(raw(process, post(GOOD))) in ANSWERED


def has_ended(connection: socket.socket) -> bool:
    """Whether the server has hung up already; where it was slow to hear of others, with a 408 first."""
    connection.setblocking(False)
    try:
        return connection.recv(4096)[:12] in {b"", b"HTTP/1.1 408"}
    except ConnectionResetError:
        return True
    except BlockingIOError:
        return False


def test_a_flood_of_idle_connections_shuts_nobody_out(process: Process) -> None:
    """Five times as many silent connections as the server holds: the oldest give way, and a good caller has a place.

    They have given way by the time that he is answered, and not because he waited for them.
    """
    flood = [socket.create_connection(("127.0.0.1", process.port), timeout=5) for _ in range(5 * CONNECTIONS)]
    try:
        assert status(raw(process, post(GOOD))) in ANSWERED
        assert all(has_ended(connection) for connection in flood[: 3 * CONNECTIONS])
    finally:
        for connection in flood:
            connection.close()


def test_who_asks_far_ahead_of_the_answers_is_cut_off(process: Process, good_s: float) -> None:
    """As many requests in one go as are allowed are all answered; two hundred thousand cost as little."""
    one = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n"
    assert raw(process, one * AHEAD + one.replace(b"host", b"connection: close\r\nhost")).count(b" 404 ") == AHEAD + 1
    before = Meter(process).memory_mib()
    cost = Meter(process).cost_s(lambda: raw(process, one * 200_000))
    assert cost <= SHORT * good_s
    assert Meter(process).memory_mib() - before < MEMORY_MIB


def test_a_place_is_given_back(tmp_path: Path) -> None:
    """A server that answered more connections than it holds, one after the other, holds none of them."""
    server = Process(tmp_path)
    server.start()
    assert {status(raw(server, post(GOOD))) for _ in range(2 * CONNECTIONS)} <= ANSWERED
    assert server.kill() == b""
