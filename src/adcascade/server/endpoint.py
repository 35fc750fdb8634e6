"""JsonPost: the bare ASGI callable around a handler of JSON bodies.

The bid and event routes go through this and not through a framework: their budget is microseconds.
A handler gets (headers, body) and gives a Reply; whatever it raises becomes one, too.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import structlog
from starlette.types import Receive, Scope, Send

from adcascade.errors import AdcascadeError
from adcascade.server.arrival import SINCE, arrived
from adcascade.server.body import read_body
from adcascade.server.heard import Heard, heard
from adcascade.server.metrics import Metrics
from adcascade.server.options import ServerOptions
from adcascade.server.problems import RefusalError, problem_json, status_of
from adcascade.server.reply import Reply, finished, send_finished
from adcascade.server.tracing import Tracing
from adcascade.server.whole import answer, offered

Handler = Callable[[Mapping[bytes, bytes], bytes], Awaitable[Reply]]
Answerer = Callable[[AdcascadeError], Reply]

NOTHING: Mapping[str, object] = {}
JSON_TYPES = (b"application/json", b"text/json", b"application/openrtb+json")


def problem_reply(error: AdcascadeError) -> Reply:
    """The plain way to answer an error."""
    headers = ((b"allow", b"POST"),) if status_of(error) == 405 else ()
    return Reply(status_of(error), problem_json(error), headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonPost:
    """One POST route. `refused` turns our own errors into replies; `failed` is the reply to anything else."""

    route: str
    handler: Handler
    options: ServerOptions
    metrics: Metrics
    refused: Answerer = problem_reply
    failed: Reply | None = None
    tracing: Tracing | None = None
    unread: Callable[[], Reply | None] | None = None  # a reply to a request that is not even read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; counts it; never raises but for a broken connection."""
        start = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        now = Heard(self.route, headers.get(b"traceparent"))
        heard.set(now)
        span = None if self.tracing is None else self.tracing.begin(now, scope["method"], headers)
        reply = await self._reply(scope, headers, receive)
        compress = len(reply.body) >= self.options.gzip_from and b"gzip" in headers.get(b"accept-encoding", b"")
        reply = finished(reply, compress=compress)
        cycle = offered(scope)
        if cycle is None or not answer(cycle, reply.status, reply.headers, reply.body):
            await send_finished(send, reply)
        self.metrics.answered(self.route, reply.status, perf_counter() - start)
        if self.tracing is not None and span is not None:
            self.tracing.end(span, now, reply.status)

    async def _reply(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> Reply:
        try:
            check_post(scope["method"], headers.get(b"content-type"))
            state = scope.get("state", NOTHING)
            arrived.set(state.get(SINCE))
            if self.unread is not None and (early := self.unread()) is not None:
                return early
            body = await read_body(receive, headers, limit=self.options.max_body, inflated=self.options.max_inflated)
            arrived.set(state.get(SINCE))  # of a body that came in parts
            return await self.handler(headers, body)
        except AdcascadeError as error:
            if status_of(error) >= 500:
                self._report(error)
            return self.refused(error)
        except Exception as error:  # noqa: BLE001  the last resort: counted, logged and answered
            self._report(error)
            return self.failed or problem_reply(AdcascadeError("unexpected"))

    def _report(self, error: Exception) -> None:
        self.metrics.failed(self.route)
        structlog.get_logger().error("request failed", route=self.route, exc_info=error)


def check_post(method: str, content_type: bytes | None) -> None:
    """RefusalError 405 unless POST, 415 where a content type is given and is no JSON in UTF-8."""
    if method != "POST":
        raise RefusalError(405, "method", method, "POST")
    if content_type is None or content_type == b"application/json":
        return
    kind, _, parameters = content_type.lower().partition(b";")
    if kind.strip() not in JSON_TYPES or (
        b"charset" in parameters and b"utf-8" not in parameters.replace(b"utf8", b"utf-8")
    ):
        raise RefusalError(415, "content-type", content_type.decode("latin-1"), "application/json in UTF-8")
