"""The ordinary routes: health, readiness, metrics, the description of the API, and the status page for people."""

import base64
import hashlib
import os
import re
from collections.abc import Awaitable, Callable
from importlib.resources import files

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from adcascade.access.keys import Key
from adcascade.server.admin.guard import Guard
from adcascade.server.backend import Backend
from adcascade.server.metrics import Metrics
from adcascade.server.openapi import description
from adcascade.server.tracking import PLAIN

Page = Callable[[Request], Awaitable[Response]]


class Pages:
    """Routes that tell about the server and change nothing."""

    def __init__(self, backend: Backend, metrics: Metrics, guard: Guard | None = None) -> None:
        """guard: asks for a key before it tells of the inside; None: anybody may look."""
        self._backend, self._metrics, self._guard = backend, metrics, guard
        self._page = (files("adcascade.server") / "status.html").read_text("utf-8")
        self._page_headers = PLAIN | {"content-security-policy": page_policy(self._page)}
        self._script = (files("adcascade.server") / "adcascade.js").read_bytes()
        self._description = msgspec.json.encode(description())

    def routes(self) -> list[Route]:
        """All of them answer GET."""
        return [
            Route("/", self._guarded(self.page)),  # where no front stands before it
            Route("/status", self._guarded(self.page)),
            Route("/status.json", self._guarded(self.status)),
            Route("/health", self.health),
            Route("/ready", self.ready),
            Route("/alarms", self._guarded(self.alarms)),
            Route("/metrics", self._guarded(self.metrics)),
            Route("/openapi.json", self.openapi),
            Route("/adcascade.js", self.script),
        ]

    def _guarded(self, page: Page) -> Page:
        if self._guard is None:
            return page

        async def shown(request: Request, key: Key) -> Response:  # noqa: ARG001  a handler's signature
            return await page(request)

        return self._guard.behind("system:read", shown)

    async def health(self, request: Request) -> Response:  # noqa: ARG002  a route's signature
        """The process answers."""
        return JSONResponse({"status": "ok"}, headers=PLAIN)

    async def ready(self, request: Request) -> Response:  # noqa: ARG002
        """200 when requests can be filled and events written; else 503 with a sentence."""
        reason = self._backend.ready()
        if reason is None:
            return JSONResponse({"status": "ready", "bundle": self._backend.bundle_version}, headers=PLAIN)
        return JSONResponse({"status": "not ready", "reason": reason}, 503, headers=PLAIN)

    async def alarms(self, request: Request) -> Response:  # noqa: ARG002
        """What is wrong, with a remedy each; an empty list where all is well."""
        body = msgspec.json.encode({"alarms": self._backend.alarms()}, enc_hook=_plain)
        return Response(body, media_type="application/json", headers=PLAIN)

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002
        """Prometheus text."""
        body = self._metrics.exposition(self._backend.bundle_version, self._backend.readings())
        return Response(body, media_type=None, headers=PLAIN | {"content-type": CONTENT_TYPE_LATEST})

    async def openapi(self, request: Request) -> Response:  # noqa: ARG002
        """OpenAPI 3.1."""
        return Response(self._description, media_type="application/json", headers=PLAIN)

    async def script(self, request: Request) -> Response:  # noqa: ARG002
        """The script that measures viewability; pages of any origin may load it, and keep it for an hour."""
        headers = {"cache-control": "public, max-age=3600", "cross-origin-resource-policy": "cross-origin"}
        return Response(self._script, media_type="text/javascript", headers=PLAIN | headers)

    async def page(self, request: Request) -> Response:  # noqa: ARG002
        """The status page; it fetches /status.json again and again."""
        return HTMLResponse(self._page, headers=self._page_headers)

    async def status(self, request: Request) -> Response:  # noqa: ARG002
        """What the page shows; numbers that are no numbers become null."""
        told = {
            "bundle": self._backend.bundle_version,
            "ready": self._backend.ready() or "yes",
            "process": os.getpid(),  # which of several workers answers
        }
        body = msgspec.json.encode(told | dict(self._backend.status()), enc_hook=_plain)
        return Response(body, media_type="application/json", headers=PLAIN)


def page_policy(page: str) -> str:
    """A policy that allows this page's own script and style, by their hashes, and nothing else."""
    script, style = (_hashes(tag, page) for tag in ("script", "style"))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hashes(tag: str, page: str) -> str:
    inside = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inside)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _plain(value: object) -> object:
    """What JSON has no word for: numpy numbers by their `item`, all else by its text."""
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)
