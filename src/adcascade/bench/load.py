"""Loads over HTTP from one process: a closed loop that finds the most a server can do, an open one that does not wait.

In a closed loop each connection asks again as soon as it is answered. In an open loop requests leave when they are due,
whether or not the server has answered those before; times count from the instant at which a request was due, so a
client that falls behind makes the server look worse, never better. The client is an asyncio.Protocol that reads no
more of an answer than its status and its length, so that it costs little where it shares the server's cores; asked for
it, it also looks whether the answer holds a mark, since a refusal, too, may be a 200.

Connections are spread evenly over the ports, which are those of single workers where there are several: how the kernel
would spread a few connections is chance.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import uvloop

AFTER_S = 5.0  # that answers of an open loop may take after the last request was due


class Answered(NamedTuple):
    """One request. status 0: no answer; marked: whether its body holds the load's mark."""

    took_s: float
    status: int
    size: int = 0  # bytes of the answer's body
    marked: bool = True


def post(path: str, content: bytes) -> bytes:
    """The bytes of a POST of JSON on a connection that stays."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
    return head.encode() + b"%d\r\n\r\n" % len(content) + content


def closed_loop(
    ports: Sequence[int], requests: Sequence[bytes], *, connections: int, seconds: float, mark: bytes = b""
) -> list[Answered]:
    """Ask for so long over so many connections, which take the requests in turn. mark: what a good answer holds."""

    async def ask() -> list[Answered]:
        answers: list[Answered] = []
        end = time.perf_counter() + seconds

        def heard(line: Line, answer: Answered) -> None:
            answers.append(answer)
            if time.perf_counter() < end and answer.status:
                line.ask(requests[len(answers) % len(requests)], time.perf_counter())
            else:
                line.close()

        lines = await _connected(ports, connections, heard, mark)
        for place, line in enumerate(lines):
            line.ask(requests[place % len(requests)], time.perf_counter())
        await asyncio.gather(*(line.ended for line in lines))
        return answers

    return uvloop.run(ask())


def open_loop(
    ports: Sequence[int],
    requests: Sequence[bytes],
    *,
    rate: float,
    seconds: float,
    connections: int = 64,
    mark: bytes = b"",
) -> list[Answered]:
    """`rate` a second at Poisson times; while all connections are busy, what is due waits and its time runs."""

    async def ask() -> list[Answered]:
        answers: list[Answered] = []
        waiting: deque[tuple[bytes, float]] = deque()
        free: deque[Line] = deque()

        def heard(line: Line, answer: Answered) -> None:
            answers.append(answer)
            if not answer.status:
                return
            if waiting:
                line.ask(*waiting.popleft())
            else:
                free.append(line)

        free.extend(await _connected(ports, connections, heard, mark))
        lines = list(free)
        due = _due(rate, seconds)
        start = time.perf_counter()
        for place, at in enumerate(due):
            left = start + at - time.perf_counter()
            if left > 0:
                await asyncio.sleep(left)
            request = requests[place % len(requests)]
            if free:
                free.popleft().ask(request, start + at)
            else:
                waiting.append((request, start + at))
        end = time.perf_counter() + AFTER_S
        while len(answers) < len(due) and time.perf_counter() < end:  # noqa: ASYNC110  nothing tells that all are there
            await asyncio.sleep(0.01)
        for line in lines:
            line.close()
        return answers + [Answered(AFTER_S, 0, marked=False)] * (len(due) - len(answers))

    return uvloop.run(ask())


class Line(asyncio.Protocol):
    """One connection, one request at a time; `heard` is told of each answer."""

    def __init__(self, heard: Callable[["Line", Answered], None], mark: bytes) -> None:
        self._heard, self._mark = heard, mark
        self._bytes, self._asked = b"", 0.0
        self._busy = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def ask(self, request: bytes, asked_s: float) -> None:
        """Send a request whose time counts from `asked_s`."""
        self._asked, self._busy, self._bytes = asked_s, True, b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Tell of a whole answer."""
        self._bytes = self._bytes + data if self._bytes else data
        end = self._bytes.find(b"\r\n\r\n")
        if end < 0:
            return
        size, status = _length(self._bytes[:end]), int(self._bytes[9:12])
        if len(self._bytes) < end + 4 + size:
            return
        self._busy = False
        marked = self._bytes.find(self._mark, end) >= 0
        self._heard(self, Answered(time.perf_counter() - self._asked, status, size, marked))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  told by the loop
        """A request in flight has no answer."""
        if self._busy:
            self._busy = False
            self._heard(self, Answered(time.perf_counter() - self._asked, 0, marked=False))
        if not self.ended.done():
            self.ended.set_result(None)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def _length(head: bytes) -> int:
    """The content-length of a head; 0 where there is none."""
    at = head.lower().find(b"content-length:")
    return 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])


async def _connected(
    ports: Sequence[int], connections: int, heard: Callable[[Line, Answered], None], mark: bytes
) -> list[Line]:
    loop = asyncio.get_running_loop()
    turns = [ports[place % len(ports)] for place in range(connections)]
    return [(await loop.create_connection(lambda: Line(heard, mark), "127.0.0.1", port))[1] for port in turns]


def _due(rate: float, seconds: float) -> list[float]:
    """Poisson times within so many seconds, the same each time."""
    chance, times, at = random.Random(0), [], 0.0  # noqa: S311  a load, no secret
    while (at := at + chance.expovariate(rate)) < seconds:
        times.append(at)
    return times
