"""An open-loop load: requests leave when they are due, whether or not the server has answered those before.

A closed loop slows down with the server and so cannot overload it; an exchange does not. Times count from the instant
at which a request was due, so a client that falls behind makes the server look worse, never better.
"""

import asyncio
import json
import random
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple


class Shot(NamedTuple):
    """One request and what became of it. status 0: no answer."""

    number: int
    due_s: float  # since the start
    took_s: float
    status: int
    body: bytes

    def told(self) -> Any:
        """The answer's JSON; None where there is none."""
        return json.loads(self.body) if self.body.startswith((b"{", b"[")) else None


class Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._heard = b""
        self.open = True
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; status and body come."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._heard = b""
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Deliver a whole answer."""
        self._heard += data
        head, separator, body = self._heard.partition(b"\r\n\r\n")
        if not separator or self._answer is None:
            return
        status = int(head.split(b" ", 2)[1])
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if len(body) >= int(length or 0) and not self._answer.done():
            self._answer.set_result((status, body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits hears that nothing came."""
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((0, b""))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def post(path: str, body: object) -> bytes:
    """The bytes of a POST of JSON."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def get(path: str) -> bytes:
    """The bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()


class Crowd:
    """Clients of one port that never wait for each other: as many connections as answers are outstanding."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[Line] = []
        self._all: list[Line] = []

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body; status 0 where the connection broke."""
        while self._free:
            line = self._free.pop()
            if line.open:
                answer = await self._ask(line, request)
                if answer[0]:
                    return answer  # else the server had hung up on an idle connection: once more on a new one
        try:
            return await self._ask(await self._line(), request)
        except OSError:
            return 0, b""

    async def _ask(self, line: Line, request: bytes) -> tuple[int, bytes]:
        answer = await line.ask(request)
        if answer[0]:
            self._free.append(line)
        return answer

    async def _line(self) -> Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(Line, "127.0.0.1", self._port)
        self._all.append(line)
        return line

    def close(self) -> None:
        """Hang up everywhere."""
        for line in self._all:
            line.close()


async def fire(
    crowd: Crowd,
    request: Callable[[int], bytes],
    *,
    rate: float,
    seconds: float,
    seed: int = 0,
    patience_s: float = 30.0,
) -> list[Shot]:
    """Requests at Poisson times, `rate` a second for `seconds`; returns all of them, the unanswered with status 0."""
    chance = random.Random(seed)
    start, due = monotonic(), 0.0
    tasks: list[asyncio.Task[None]] = []
    shots: list[Shot] = []

    async def one(number: int, due_s: float) -> None:
        try:
            status, body = await asyncio.wait_for(crowd.ask(request(number)), patience_s)
        except TimeoutError:
            status, body = 0, b""
        shots.append(Shot(number, due_s, monotonic() - start - due_s, status, body))

    while (due := due + chance.expovariate(rate)) < seconds:
        wait = start + due - monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(len(tasks), due)))
    await asyncio.gather(*tasks)
    return sorted(shots)
