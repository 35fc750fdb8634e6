"""Tracking URLs: pixel, click, and the exchange's notices. What they report is on disk before they answer."""

import re
from base64 import b64decode
from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from adcascade.errors import SignatureError
from adcascade.server.backend import Backend, EventKind, IncomingEvent, Resolved
from adcascade.server.links import is_web_url
from adcascade.server.metrics import Metrics
from adcascade.server.problems import RefusalError
from adcascade.server.reply import SECURITY

GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # one transparent pixel
PLAIN = {name.decode(): value.decode() for name, value in SECURITY}
LONGEST = 2048  # characters of a token
PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)
LOSSES = 600  # loss reason codes that are counted apart

Endpoint = Callable[[Request], Awaitable[Response]]


class Tracking:
    """The routes below /t. The event's id is made from the bid, so that the same URL counts once."""

    def __init__(self, backend: Backend, metrics: Metrics, clock: Callable[[], int]) -> None:
        self._backend, self._metrics, self._clock = backend, metrics, clock

    def routes(self) -> list[Route]:
        """GET only: a HEAD of a link checker is no impression."""
        return [
            Route("/t/i/{token}", only_get(self.impression), name="impression"),
            Route("/t/c/{token}", only_get(self.click), name="click"),
            Route("/t/w/{token}", only_get(self.win), name="win"),
            Route("/t/b/{token}", only_get(self.billing), name="billing"),
            Route("/t/l/{token}", only_get(self.loss), name="loss"),
        ]

    async def impression(self, request: Request) -> Response:
        """The ad was seen: a pixel."""
        await self._take(request, "impression")
        return Response(GIF, media_type="image/gif", headers=PLAIN)

    async def click(self, request: Request) -> Response:
        """The ad was clicked: on to its page, whose address comes from the catalog alone."""
        resolved = await self._take(request, "click")
        if not is_web_url(resolved.url):
            raise RefusalError(404, "ad.url", resolved.url, "an http or https address", "the advertiser must set it")
        return RedirectResponse(resolved.url, 302, headers=PLAIN)

    async def billing(self, request: Request) -> Response:
        """The exchange bills: the same impression as the pixel's, whichever comes first."""
        await self._take(request, "impression")
        self._note(request, "billing")
        return Response(status_code=204, headers=PLAIN)

    async def win(self, request: Request) -> Response:
        """The exchange took the bid; nobody has seen it yet."""
        self._resolve(request)
        self._note(request, "win")
        return Response(status_code=204, headers=PLAIN)

    async def loss(self, request: Request) -> Response:
        """The exchange took another bid; counted by its loss reason code."""
        self._resolve(request)
        code = request.query_params.get("loss", "")
        known = code.isascii() and code.isdigit() and len(code) <= 3 and int(code) <= LOSSES
        self._note(request, "loss", code if known else "")
        return Response(status_code=204, headers=PLAIN)

    async def _take(self, request: Request, kind: EventKind) -> Resolved:
        resolved, token = self._resolve(request), request.path_params["token"]
        event = IncomingEvent(id=f"{kind}:{resolved.bid_id}", kind=kind, token=token, time_us=self._clock())
        receipt = (await self._backend.accept([event]))[0]
        self._metrics.event(kind, receipt.status)
        if receipt.status == "rejected":
            raise RefusalError(400, "token", "", "an event that can be taken", receipt.reason)
        return resolved

    def _resolve(self, request: Request) -> Resolved:
        token: str = request.path_params["token"]
        if len(token) > LONGEST:
            raise SignatureError(f"the token has {len(token)} characters; a whole one has fewer than {LONGEST}")
        return self._backend.resolve(token)

    def _note(self, request: Request, kind: str, code: str = "") -> None:
        """The price is the exchange's word, unsigned: it is logged and never charged."""
        self._metrics.notice(kind, code)
        price = request.query_params.get("price", "")
        price = price if PRICE.fullmatch(price) else ""
        structlog.get_logger().debug("notice", kind=kind, code=code, price=price)


def only_get(endpoint: Endpoint) -> Endpoint:
    """Starlette answers HEAD where GET is allowed; here that would count an event."""

    async def guarded(request: Request) -> Response:
        if request.method != "GET":
            raise RefusalError(405, "method", request.method, "GET")
        return await endpoint(request)

    return guarded
