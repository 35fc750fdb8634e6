"""Whole answers: status, headers and body leave in one write, where uvicorn would look at each header twice.

uvicorn cannot know what an application sends, so it checks every name and value with regular expressions, and writes
head and body apart. Replies of the fast routes are ours from the first byte to the last: their heads are made once and
kept. The connection hands its cycle to the route as an extension of the ASGI scope; a route that finds none, or a
middleware that must see the messages and leaves the extension out, goes the usual way.
"""

from functools import lru_cache

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from adcascade.server.reply import Headers

EXTENSION = "adcascade.whole"
NO_EXTENSIONS: dict[str, RequestResponseCycle] = {}


def offer(cycle: RequestResponseCycle) -> None:
    """Let the application answer this request as a whole."""
    cycle.scope["extensions"] = {EXTENSION: cycle}  # type: ignore[dict-item]  # ASGI leaves the values open


def offered(scope: Scope) -> RequestResponseCycle | None:
    """What `offer` gave; None where the server is another, or somebody between wants to see the messages."""
    cycle: RequestResponseCycle | None = scope.get("extensions", NO_EXTENSIONS).get(EXTENSION)
    return cycle


def answer(cycle: RequestResponseCycle, status: int, headers: Headers, body: bytes) -> bool:
    """Write the whole answer; False, and nothing was written, where only the usual way is right.

    That is: the caller does not read, has left, or wants the connection closed; or he asked for the head alone.
    headers: without content-length, which is added unless the status is 204; few different ones, since they are kept.
    """
    if cycle.flow.write_paused or cycle.disconnected or not cycle.keep_alive or cycle.response_started:
        return False
    if cycle.access_log or cycle.scope["method"] == "HEAD":
        return False
    parts = [STATUS_LINE[status], lines(tuple(cycle.default_headers)), lines(headers)]
    parts.append(b"\r\n" if status == 204 else b"content-length: %d\r\n\r\n%b" % (len(body), body))
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join(parts))
    cycle.message_event.set()
    cycle.on_response()
    return True


@lru_cache(maxsize=64)  # those of the routes, and the server's own, which change with the second
def lines(headers: Headers) -> bytes:
    """Headers as they stand in an answer."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])
