"""The ASGI application: bare callables for what must be fast, starlette for the rest."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adcascade.cascade.overload import OVERLOAD, Ladder
from adcascade.errors import AdcascadeError
from adcascade.server.admin.app import BASE, Admin, admin_mount
from adcascade.server.admin.guard import Guard
from adcascade.server.admission import Admission
from adcascade.server.backend import Backend
from adcascade.server.endpoint import JsonPost
from adcascade.server.front import Front, Fronts, Inside
from adcascade.server.heard import Heard, heard
from adcascade.server.metrics import Metrics
from adcascade.server.openrtb.endpoint import BidEndpoint, bid_route
from adcascade.server.openrtb.nobid import NO_BID
from adcascade.server.options import ServerOptions
from adcascade.server.origins import across
from adcascade.server.pages import Pages
from adcascade.server.peers import Peers
from adcascade.server.problems import RefusalError, problem_headers, problem_json, status_of
from adcascade.server.reply import Reply
from adcascade.server.retail.auctions import AuctionsEndpoint
from adcascade.server.retail.events import EventsEndpoint
from adcascade.server.sharding.fan import Sharded
from adcascade.server.tracing import Tracing
from adcascade.server.tracking import PLAIN, Tracking
from adcascade.server.upkeep import Lifespan, upkeep_lifespan

BID = "/openrtb2/bid"
PAGES = ("/", "/status", "/status.json", "/health", "/ready", "/alarms", "/metrics", "/openapi.json", "/adcascade.js")
TOLD = ("/t/i", "/t/v", "/t/c", "/t/w", "/t/b", "/t/l", "/t/e")
ROUTES = frozenset((*PAGES, *TOLD))


def now_us() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1_000


def request_id() -> str:
    """An id that no request had before: 96 random bits."""
    return secrets.token_hex(12)


class AdServer:
    """Routes a request to its callable. Exchanges and shops speak to `fast`, everybody else to `pages`."""

    def __init__(self, fast: dict[str, ASGIApp], pages: ASGIApp, metrics: Metrics) -> None:
        self._fast, self._pages, self.metrics = fast, pages, metrics
        self.prompt = frozenset(fast)  # paths whose requests are begun where they are read (server/prompt.py)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        route = self._fast.get(scope["path"]) if scope["type"] == "http" else None
        await (self._pages if route is None else route)(scope, receive, send)


def create_app(
    backend: Backend,
    options: ServerOptions | None = None,
    *,
    admin: Admin | None = None,
    clock: Callable[[], int] = now_us,
    new_id: Callable[[], str] = request_id,
    ladder: Ladder | None = None,
    tracing: Tracing | None = None,
    sharded: Sharded | None = None,
    fronts: Fronts | None = None,
    spare: Callable[[], bool] | None = None,
) -> AdServer:
    """The application over a backend. clock: now in microseconds UTC; new_id: an unused request id.

    admin: what the admin API works on; None: there is none, and the pages about the inside are open to all.
    ladder: the backend's, where it has one; tracing: None traces nothing. sharded: where
    the backend's ads lie on shards; spare: work for spare time (server/upkeep.py).
    """
    options = options or ServerOptions()
    metrics = Metrics()
    fill = None if sharded is None else sharded.fill
    admission = Admission(backend, ladder or Ladder(standard_us=options.timeout_us), fill)
    bid = BidEndpoint(admission, options, metrics, clock, new_id)
    auctions = AuctionsEndpoint(admission, options, metrics, clock, new_id)
    events = EventsEndpoint(backend, options, metrics, clock)
    posts = {
        BID: replace(bid_route(bid, options, metrics), unread=_unread(admission, metrics)),
        "/v2/auctions": JsonPost(route="/v2/auctions", handler=auctions, options=options, metrics=metrics),
        "/v2/events": JsonPost(route="/v2/events", handler=events, options=options, metrics=metrics),
    }
    traced: dict[str, ASGIApp] = {path: replace(route, tracing=tracing) for path, route in posts.items()}
    traced[BID] = across(traced[BID], options.origins)
    lifespan = upkeep_lifespan(backend, metrics, clock, spare=spare)
    if sharded is not None:
        lifespan = sharded.around(lifespan)
    front = None
    if admin is not None and fronts is not None:
        front = fronts(Inside(backend=backend, metrics=metrics, admin=admin, options=options, clock=clock))
        lifespan = front.around(lifespan)
    return AdServer(traced, _pages(backend, options, metrics, clock, admin, lifespan, front), metrics)


def _unread(admission: Admission, metrics: Metrics) -> Callable[[], Reply | None]:
    """An exchange's request that comes too late on the top rung of the overload ladder: no bid, before it is read."""

    def decline() -> Reply | None:
        if not admission.unread():
            return None
        metrics.no_bid(OVERLOAD)
        return NO_BID

    return decline


def _pages(  # noqa: PLR0917  what the pages are made of
    backend: Backend,
    options: ServerOptions,
    metrics: Metrics,
    clock: Callable[[], int],
    admin: Admin | None,
    lifespan: Lifespan,
    front: Front | None,
) -> ASGIApp:
    """Tracking, pages and the admin API, with JSON for every error of ours and of the caller."""
    guard = None if admin is None else Guard(admin.keys, clock, admin.rates)
    shown = guard if options.guard_status else None
    tracking = Tracking(backend, metrics, clock, Peers(options.trusted_proxies))
    routes: list[BaseRoute] = [*tracking.routes()]
    if front is not None:
        routes.extend(front.routes())
    routes.extend(Pages(backend, metrics, shown).routes())
    if admin is not None and guard is not None:
        routes.append(admin_mount(admin, guard, clock))
    starlette = Starlette(
        routes=routes,
        exception_handlers={HTTPException: problem, AdcascadeError: problem},
        lifespan=lifespan,
    )
    starlette.router.redirect_slashes = False
    return Counted(starlette, metrics, front)


async def problem(request: Request, error: Exception) -> Response:
    """Any exception as JSON."""
    if isinstance(error, HTTPException):
        error = _unknown(request, error)
    known = error if isinstance(error, AdcascadeError) else AdcascadeError("unexpected")
    if status_of(known) >= 500:
        structlog.get_logger().error("request refused", route=_route(request.scope), reason=str(known))
    headers = PLAIN | problem_headers(known)
    return Response(problem_json(known), status_of(known), media_type="application/json", headers=headers)


def _unknown(request: Request, error: HTTPException) -> RefusalError:
    """A path that does not exist, or a method that the path does not have; then `expected` lists those that it has."""
    remedy = "see /openapi.json for what there is"
    if error.status_code == 405:
        return RefusalError(405, "method", request.method, (error.headers or {}).get("Allow", "GET"), remedy)
    return RefusalError(error.status_code, "path", request.url.path, "something that exists here", remedy)


class Counted:
    """An app whose every request is counted under its route, and whose surprises become a JSON 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics, front: Front | None = None) -> None:
        self._app, self._metrics, self._front = app, metrics, front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), 0
        front = self._front
        route = front.label if front is not None and front.owns(scope["path"]) else _route(scope)
        heard.set(Heard(route))

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001  the last resort: counted, logged and answered
            self._metrics.failed(route)
            structlog.get_logger().error("request failed", route=route, exc_info=error)
            if not status:
                await (await problem(Request(scope), error))(scope, receive, noted)
        self._metrics.answered(route, status or 500, perf_counter() - start)


def _route(scope: Scope) -> str:
    """The route's pattern, never the path itself, which holds tokens; "none" where nothing matched."""
    path: str = scope["path"]
    if path.startswith(f"{BASE}/"):
        return BASE
    known = path[:4] if path.startswith("/t/") else path
    return known if known in ROUTES else "none"
