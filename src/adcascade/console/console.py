"""Console: the pages, the gate before them, and the door, as one front of the server.

A request finds its page, is checked (session, role, and, where it changes something, origin and token), becomes a
`Visit`, is handled, and what the handler returns is shown by the route's template. What is refused is shown as a page,
or, to htmx, as the part of one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from adcascade.console import door
from adcascade.console.assets import Assets
from adcascade.console.gate import Caller, Gate
from adcascade.console.headers import PRIVATE, framed
from adcascade.console.history import History
from adcascade.console.looks import Looks
from adcascade.console.machine import Machine
from adcascade.console.market_runs import MarketRuns, ended_with
from adcascade.console.page import At, Desk, Download, Go, Page, Says, Sheet, Visit
from adcascade.console.pages import PAGES
from adcascade.console.render import Frame, Renderer
from adcascade.console.sampling import sampled
from adcascade.console.seal import Seal
from adcascade.console.session import Sessions
from adcascade.errors import AccessError, AdcascadeError
from adcascade.server.front import Front, Fronts, Inside
from adcascade.server.methods import by_path
from adcascade.server.problems import ErrorBody, error_body, problem_headers, status_of
from adcascade.server.upkeep import Lifespan
from adcascade.settings import Settings

SAYS = "adcascade-says"
Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The view of an answer that is no success."""

    status: int
    error: ErrorBody


class Told(NamedTuple):
    """What an answer is made of, beside its view."""

    caller: Caller
    page: Page
    inside_open: bool
    now_us: int


class Console(Front):
    """Everything below `/`. pages: in the order of the navigation; the first one that a visitor sees is his home."""

    label = "console"

    def __init__(self, desk: Desk, secret: bytes, pages: Sequence[Page] = PAGES) -> None:
        self.desk, self._pages = desk, tuple(pages)
        self._seal = Seal(secret)
        self._gate = Gate(desk.inside, Sessions(self._seal, secure=desk.inside.options.secure))
        self._assets, self._renderer = Assets(), Renderer()
        self._roots = {at.path.split("/")[1] for page in pages for at in page.routes} | {"console"}
        self._roots |= {path.strip("/") for path in (door.SIGN_IN, door.SIGN_OUT)}

    # ---- the front

    def routes(self) -> Sequence[BaseRoute]:
        """Pages, door and files."""
        routes = [
            Route(at.path, self._endpoint(page, at), methods=[at.method]) for page in self._pages for at in page.routes
        ]
        signing = [
            Route(door.SIGN_IN, self._safely(self.sign_in), methods=["GET"]),
            Route(door.SIGN_IN, self._safely(self.enter), methods=["POST"]),
            Route(door.SIGN_OUT, self._safely(self.leave), methods=["POST"]),
        ]
        return by_path([*routes, *signing, *self._assets.routes()])

    def owns(self, path: str) -> bool:
        """By the first part of the path."""
        return path.split("/", 2)[1] in self._roots if path.startswith("/") else False

    def around(self, lifespan: Lifespan) -> Lifespan:
        """With the looks that the charts are made of; a run of the market ends with the server."""
        watched = sampled(lifespan, self.desk.inside, self.desk.machine, Looks(self.desk.settings.looks_path))
        return ended_with(watched, self.desk.market)

    # ---- pages

    def _endpoint(self, page: Page, at: At) -> Endpoint:
        async def answer(request: Request, told: Told) -> Response:
            visitor = told.caller.key
            self._gate.count(visitor, told.now_us)
            if page.path == "/" and at.path == "/" and not page.shown_to(visitor, inside_open=told.inside_open):
                home = self._home(visitor)
                if home is not None:
                    return RedirectResponse(home, 303, headers=PRIVATE)
            page.check(visitor, inside_open=told.inside_open, also=at.needs)
            form = await self._gate.form(request, told.caller.session) if at.method != "GET" else {}
            view = await at.handler(
                Visit(
                    desk=self.desk, key=visitor, now_us=told.now_us, url=_url(request), form=form,
                    query=dict(request.query_params), path=request.path_params, htmx="hx-request" in request.headers,
                )
            )  # fmt: skip
            if isinstance(view, Go):
                return self._went(view)
            if isinstance(view, Download):
                named = {"content-disposition": f'attachment; filename="{view.name}"'}
                return Response(view.content, headers=PRIVATE | named, media_type=view.type)
            if isinstance(view, Sheet):
                return HTMLResponse(view.html, headers=framed(view.policy))
            return self._shown(request, told, at.template, view, getattr(view, "status", 200))

        return self._safely(answer, page)

    def _home(self, key: object) -> str | None:
        """The first page, other than the very first, that somebody who signed in sees."""
        if key is None:
            return None
        return next((p.path for p in self._pages if p.listed and p.shown_to(key, inside_open=False)), None)  # type: ignore[arg-type]

    # ---- the door

    async def sign_in(self, request: Request, told: Told) -> Response:
        """The form; who signed in already goes on."""
        to = door.local(request.query_params.get("next", "/"))
        if told.caller.key is not None:
            return RedirectResponse(to, 303, headers=PRIVATE)
        return self._shown(request, told, "sign_in.html", door.sign_in_view(to))

    async def enter(self, request: Request, told: Told) -> Response:
        """A key opens a new session."""
        form = await self._gate.form(request, told.caller.session)
        to = door.local(form.get("next", "/"))
        try:
            key = await self._gate.open(form.get("key", ""), request, told.now_us)
        except AccessError as error:
            view = door.sign_in_view(to, error)
            answer = self._shown(request, told, "sign_in.html", view, error.status)
            answer.headers.update({k: v for k, v in problem_headers(error).items() if k == "retry-after"})
            return answer
        sessions = self._gate.sessions
        response = RedirectResponse(to, 303, headers=PRIVATE)
        response.headers.append("set-cookie", sessions.set_cookie(sessions.begin(told.now_us, key.id), told.now_us))
        return response

    async def leave(self, request: Request, told: Told) -> Response:
        """The browser forgets its session, and every server takes it for over: this one, or all of the key's."""
        everywhere = (await self._gate.form(request, told.caller.session)).get("everywhere") == "yes"
        await self._gate.close(told.caller, told.now_us, everywhere=everywhere)
        said = "You are signed out, in every browser." if everywhere else "You are signed out."
        response = self._went(Go(to=door.SIGN_IN, says=Says(text=said)))
        response.headers.append("set-cookie", self._gate.sessions.drop_cookie())
        return response

    # ---- answers

    def _safely(self, handler: Callable[[Request, Told], Awaitable[Response]], page: Page | None = None) -> Endpoint:
        """The handler as an endpoint that shows what is refused."""
        shown = page or Page(name="sign-in", title="Sign in", path=door.SIGN_IN, routes=(), needs=None)

        async def endpoint(request: Request) -> Response:
            now_us = self.desk.inside.clock()
            caller = await self._gate.caller(request, now_us)
            told = Told(caller, shown, self._gate.inside_open(request), now_us)
            try:
                return await handler(request, told)
            except AdcascadeError as error:
                return self._refused(request, told, error)

        return endpoint

    def _shown(
        self, request: Request, told: Told, template: str, view: msgspec.Struct, status: int = 200
    ) -> HTMLResponse:
        sessions, caller = self._gate.sessions, told.caller
        says = self._seal.opened("says", request.cookies.get(SAYS, ""), Says)
        frame = Frame(
            title=told.page.title,
            name=told.page.name,
            pages=tuple(p for p in self._pages if p.listed and p.shown_to(caller.key, inside_open=told.inside_open)),
            key=caller.key,
            token=sessions.token(caller.session),
            script=self._assets.address("console.js"),
            theme=self._assets.address("theme.js"),
            style=self._assets.address("console.css"),
            icon=self._assets.address("icon.svg"),
            says=says,
        )
        response = HTMLResponse(self._renderer.html(template, frame, view), status, headers=PRIVATE)
        if caller.new:
            response.headers.append("set-cookie", sessions.set_cookie(caller.session, told.now_us))
        if says is not None and "hx-request" not in request.headers:
            response.headers.append("set-cookie", sessions.header(SAYS, "", 0))
        return response

    def _went(self, go: Go) -> Response:
        response = RedirectResponse(go.to, 303, headers=PRIVATE)
        if go.says is not None:
            said = self._seal.sealed("says", go.says)
            response.headers.append("set-cookie", self._gate.sessions.header(SAYS, said, 60))
        return response

    def _refused(self, request: Request, told: Told, error: AdcascadeError) -> Response:
        status = status_of(error)
        if status >= 500:
            structlog.get_logger().error("page refused", page=told.page.name, reason=str(error))
        part = "hx-request" in request.headers
        if isinstance(error, AccessError) and error.status == 401:
            if part:
                return Response(status_code=401, headers=PRIVATE | {"hx-redirect": door.way_in(told.page.path)})
            return RedirectResponse(
                door.way_in(_url(request) if request.method == "GET" else "/"), 303, headers=PRIVATE
            )
        view = Refused(status=status, error=error_body(error))
        response = self._shown(request, told, "part_refused.html" if part else "refused.html", view, status)
        response.headers.update(problem_headers(error))
        return response


def _url(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def console_fronts(settings: Settings, secret: bytes) -> Fronts:
    """What `create_app` takes. secret: signs the sessions of all servers of an installation."""

    def fronts(inside: Inside) -> Front:
        history, market = History(), MarketRuns(settings.market_runs_path)
        desk = Desk(inside=inside, settings=settings, history=history, machine=Machine(history), market=market)
        return Console(desk, secret)

    return fronts
