"""Tracking URLs: pixel, click, and the exchange's notices. What they report is on disk before they answer."""

from base64 import b64decode
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from adcascade.cascade.answer import NoticeKind
from adcascade.errors import SignatureError
from adcascade.events.traffic.source import Route as Way
from adcascade.server.backend import Backend, EventKind, IncomingEvent, Resolved
from adcascade.server.links import COUNT, is_web_url
from adcascade.server.metrics import Metrics
from adcascade.server.notices import read_notice
from adcascade.server.peers import Peers
from adcascade.server.problems import RefusalError
from adcascade.server.reply import SECURITY

GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # one transparent pixel
PLAIN = {name.decode(): value.decode() for name, value in SECURITY}
LONGEST = 2048  # characters of a token
COUNTED = 600  # codes from 0 that metrics keep apart

Endpoint = Callable[[Request], Awaitable[Response]]


class Tracking:
    """The routes below /t. The event's id is made from the bid, so that the same URL counts once."""

    def __init__(
        self, backend: Backend, metrics: Metrics, clock: Callable[[], int], peers: Peers | None = None
    ) -> None:
        self._backend, self._metrics, self._clock = backend, metrics, clock
        self._peers = peers or Peers()

    def routes(self) -> list[Route]:
        """GET only: a HEAD of a link checker is no impression."""
        return [
            Route("/t/i/{token}", only_get(self.impression), name="impression"),
            Route("/t/v/{token}", only_get(self.viewable), name="viewable"),
            Route("/t/c/{token}", only_get(self.click), name="click"),
            Route("/t/w/{token}", only_get(self.win), name="win"),
            Route("/t/b/{token}", only_get(self.billing), name="billing"),
            Route("/t/l/{token}", only_get(self.loss), name="loss"),
            Route("/t/e/{token}", only_get(self.error), name="error"),
        ]

    async def impression(self, request: Request) -> Response:
        """The ad was seen: a pixel."""
        await self._take(request, "impression")
        return Response(GIF, media_type="image/gif", headers=PLAIN)

    async def viewable(self, request: Request) -> Response:
        """The ad was on screen long enough: a pixel."""
        await self._take(request, "viewable")
        return Response(GIF, media_type="image/gif", headers=PLAIN)

    async def click(self, request: Request) -> Response:
        """The ad was clicked: on to its page, whose address comes from the catalog alone; a player goes by itself."""
        resolved = await self._take(request, "click")
        if COUNT in request.url.query.split("&"):
            return Response(GIF, media_type="image/gif", headers=PLAIN)
        if not is_web_url(resolved.url):
            raise RefusalError(404, "ad.url", resolved.url, "an http or https address", "the advertiser must set it")
        return RedirectResponse(resolved.url, 302, headers=PLAIN)

    async def billing(self, request: Request) -> Response:
        """The exchange bills: the same impression as the pixel's, whichever comes first."""
        await self._take(request, "impression", "exchange")
        return await self._notice(request, "billing")

    async def win(self, request: Request) -> Response:
        """The exchange took the bid; nobody has seen it yet."""
        return await self._notice(request, "win")

    async def loss(self, request: Request) -> Response:
        """The exchange took another bid; counted by its loss reason code, and the money is free again."""
        return await self._notice(request, "loss")

    async def error(self, request: Request) -> Response:
        """A player could not show the video; counted by its error code."""
        return await self._notice(request, "error")

    async def _take(self, request: Request, kind: EventKind, way: Way = "browser") -> Resolved:
        resolved, token = self._resolve(request), request.path_params["token"]
        event = IncomingEvent(
            id=f"{kind}:{resolved.bid_id}",
            kind=kind,
            token=token,
            time_us=self._clock(),
            anonymous=request.headers.get("sec-gpc") == "1",
            source=self._peers.source(request.scope, way),
        )
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

    async def _notice(self, request: Request, kind: NoticeKind) -> Response:
        """Prices and codes are the exchange's word, unsigned: they are logged and never charged."""
        self._resolve(request)
        notice = read_notice(kind, request.path_params["token"], self._clock(), request.query_params)
        await self._backend.notice(notice)
        known = notice.loss is not None and notice.loss <= COUNTED
        self._metrics.notice(kind, str(notice.loss) if known else "")
        return Response(status_code=204, headers=PLAIN)


def only_get(endpoint: Endpoint) -> Endpoint:
    """Starlette answers HEAD where GET is allowed; here that would count an event."""

    async def guarded(request: Request) -> Response:
        if request.method != "GET":
            raise RefusalError(405, "method", request.method, "GET")
        return await endpoint(request)

    return guarded
