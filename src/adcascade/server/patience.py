"""A connection that dawdles is closed: each request must be whole within some seconds of its first byte.

uvicorn bounds how long an idle connection is kept between requests, not how long a request may trickle in,
nor how long a fresh connection may stay silent. One timer a connection; a quick request costs two assignments.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adcascade.server.arrival import SINCE, arrival_s

TIMEOUT = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%s"
)
BODY = (
    b'{"error":{"field":"request","value":"","expected":"a whole request within the time allowed",'
    b'"remedy":"send it at once"}}'
)


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose patience ends."""

    patience_s: ClassVar[float] = 10.0

    _since: float | None = None  # when the request that is still coming in began
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start the clock: a connection that says nothing dawdles, too."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._watch = self.loop.call_later(self.patience_s, self._look)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._since = self.loop.time()

    def on_message_complete(self) -> None:
        """The last byte of a request: from here on it waits for us."""
        self.scope["state"][SINCE] = arrival_s(self.transport.get_extra_info("socket"))
        super().on_message_complete()
        self._since = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        waited = 0.0 if self._since is None else self.loop.time() - self._since
        if waited < self.patience_s:
            self._watch = self.loop.call_later(self.patience_s - waited, self._look)
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(TIMEOUT % (len(BODY), BODY))
        self.transport.close()
