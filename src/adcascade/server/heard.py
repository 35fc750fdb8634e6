"""Heard: the request that is being answered, for log lines and traces. What callers wrote never enters a log.

Of a caller's `traceparent` only its 32 hexadecimal digits are kept, and only where they are such.
"""

import re
import secrets
from contextvars import ContextVar

from structlog.typing import EventDict, WrappedLogger

from adcascade.cascade.answer import Answer

TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Heard:
    """One request: its route's pattern, its trace, and what the engine answered, where somebody wants to know."""

    __slots__ = ("_id", "answers", "route", "trace_id")

    def __init__(self, route: str, traceparent: bytes | None = None) -> None:
        self.route = route
        self.trace_id = ""
        self.answers: list[Answer] | None = None  # None: nobody asks
        self._id = ""
        if traceparent is not None:
            found = TRACEPARENT.fullmatch(traceparent)
            self.trace_id = "" if found is None else found[1].decode()

    @property
    def id(self) -> str:
        """Ours, made when it is first needed: one request's log lines have the same."""
        self._id = self._id or secrets.token_hex(8)
        return self._id


heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


def with_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor of structlog: binds a line to the request that is being answered."""
    now = heard.get()
    if now is not None:
        event.setdefault("request", now.id)
        event.setdefault("route", now.route)
        if now.trace_id:
            event.setdefault("trace_id", now.trace_id)
    return event
