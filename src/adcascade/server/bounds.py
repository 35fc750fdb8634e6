"""What one connection may ask of a server, and how many connections it holds: bounds below HTTP's surface.

uvicorn bounds neither the size of a request's head nor how many connections wait, nor how long a caller may leave its
answer unread. Here each has a bound. A request whose head or whole is too large is refused before it is understood; an
answer that is not read is dropped; and where all places are taken, the connection that has waited longest for its
request makes room for the new one, so that whoever opens thousands and says nothing shuts out himself.
"""

import asyncio
import resource
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from adcascade.server.patience import PatientProtocol
from adcascade.server.problems import RefusalError, problem_json
from adcascade.server.prompt import begin
from adcascade.server.whole import offer

LINGER_S = 1.0  # for an answer to leave after its connection was closed
AHEAD = 64  # requests that a caller may send before their answers
AT_ONCE = struct.pack("ii", 1, 0)  # on closing, linger for no second
BESIDE = 4  # bytes of a header line beside its name and value
RESERVED = 256  # files of a process that are no connections: catalog, log, bundle
ANSWER = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """head: bytes of the request line and of the headers.

    request: bytes of the whole on the wire, chunk sizes and trailers included; connections: held at once.
    """

    head: int = 32_768
    request: int = 8 << 20
    connections: int = 4_096


class BoundError(Exception):
    """Ends the parser's work where a bound is exceeded."""


class BoundedProtocol(PatientProtocol):
    """A patient protocol within bounds. `bounded` makes one for a server."""

    bounds: ClassVar[Bounds] = Bounds()
    waiting: ClassVar[dict["BoundedProtocol", None]] = {}  # for the rest of a request; longest first

    _head = 0  # bytes of the head that were parsed
    _wire = 0  # bytes of the request that have come
    _whole = False  # whether its head is complete
    _reading = False  # whether the parser is at work
    _held: tuple[RequestResponseCycle, ASGI3Application] | None = None  # a request that may prove to be whole
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take a place; where there is none, the connection that has waited longest gives its own."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            longest = next(iter(self.waiting), self)
            self.waiting.pop(longest, None)
            longest.drop()
        if not transport.is_closing():
            self.waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the queue."""
        self.waiting.pop(self, None)
        self._heard()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count, then parse; what exceeds a bound is answered and closed."""
        self._wire += len(data)
        self._reading = True
        super().data_received(data)
        self._reading = False
        self._start_held()
        if self.transport.is_closing():
            return
        if not self._whole and self._wire > self.bounds.head:
            self._refuse(431, f"a head of at most {self.bounds.head} bytes")
        elif self._wire > self.bounds.request:
            self._refuse(413, f"at most {self.bounds.request} bytes on the wire")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head, self._whole = 0, False

    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        self._head += len(url)
        if self._head > self.bounds.head:
            raise BoundError
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer after the body."""
        self._head += len(name) + len(value) + BESIDE
        if self._head > self.bounds.head:
            raise BoundError
        name = name.lower()
        if name == b"expect":
            super().on_header(name, value)
        else:
            self.headers.append((name, value))  # as uvicorn does: a call less for each header

    def on_headers_complete(self) -> None:
        """The head is whole. Who sends on and on without waiting for answers is cut off: each costs memory."""
        self._whole = True
        if len(self.pipeline) >= AHEAD:
            self.drop()
            raise BoundError
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """A fast route may answer as a whole, and at once where its request proves to be whole in what is read now."""
        offer(cycle)
        if self._reading and cycle.scope["path"] in getattr(app, "prompt", ()):
            self._held = (cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def _start_held(self) -> None:
        if self._held is None:
            return
        (cycle, app), self._held = self._held, None
        if cycle.more_body or self.transport.is_closing():
            super()._start_asgi_task(cycle, app)
        elif (task := begin(cycle.run_asgi(app), self.loop)) is not None:
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)

    def on_message_complete(self) -> None:
        """The request is whole: it waits for us now."""
        self._wire = 0
        self.waiting.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The connection waits for its next request, or closes once the answer was read."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.loop.call_later(self.patience_s, self.drop)
        elif not self.pipeline:
            self.waiting[self] = None

    def pause_writing(self) -> None:
        """The caller does not read; his time runs."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.patience_s, self.drop)

    def resume_writing(self) -> None:
        """He reads again."""
        self._heard()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came after the last answer; what of it was not read is dropped."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(LINGER_S, self.drop)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, in the words of every refusal."""
        if self.transport.is_closing():
            return
        if self._head > self.bounds.head:
            self._refuse(431, f"a head of at most {self.bounds.head} bytes")
        else:
            self._refuse(400, "HTTP/1.1", msg)

    def drop(self) -> None:
        """End the connection at once, with what was written and not read: the kernel would keep it for the caller."""
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()

    def _refuse(self, status: int, expected: str, remedy: str = "") -> None:
        """Answer, where that cannot be taken for the answer to an earlier request, and close."""
        before = self.cycle is None or self.cycle.response_complete
        if before or (self._whole and not self.cycle.response_started):
            body = problem_json(RefusalError(status, "request", "", expected, remedy))
            phrase = HTTPStatus(status).phrase.encode()
            self.transport.write(ANSWER % (status, phrase, len(body), body))
        self.transport.close()
        self.loop.call_later(LINGER_S, self.drop)

    def _heard(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def bounded(bounds: Bounds) -> type[BoundedProtocol]:
    """The protocol of one server: its bounds, and a queue of its own."""
    return type("BoundedProtocol", (BoundedProtocol,), {"bounds": bounds, "waiting": {}})


def places(wanted: int) -> int:
    """How many connections a process can hold of those wanted: as many as it may open files, after asking for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVED
    if soft < needed and hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return min(wanted, max(soft, needed) - RESERVED)
