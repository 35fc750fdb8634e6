"""Pages of other origins: which of them may call a route from a browser, and what the browser must hear for it.

An exchange sends no `origin` and notices nothing of this. Prebid.js runs in the publisher's page: the browser sends
the page's origin along and hides the answer unless the server names that origin (the Fetch standard's CORS protocol).
No cookie is ever set or read here, so credentials are never allowed, and a page learns no more than an exchange.
"""

import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adcascade.errors import ConfigurationError
from adcascade.server.reply import SNIFF, Headers

ANY = "*"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
PREFLIGHT: Headers = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type, x-openrtb-version"),
    (b"access-control-max-age", b"86400"),
    *SNIFF,
)


def check_origins(origins: Sequence[str]) -> None:
    """ConfigurationError where one is neither "*" nor an origin as browsers write it."""
    for origin in origins:
        if origin != ANY and not ORIGIN.fullmatch(origin):
            raise ConfigurationError(
                f"server.origins holds {origin!r}; expected an origin as browsers write it, in small letters and "
                'without a path, such as "https://www.example.com", or "*" for the pages of everybody'
            )


def across(route: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The route, open to pages of these origins; the route itself where there are none."""
    return CrossOrigin(route, origins) if origins else route


class CrossOrigin:
    """Answers preflights, takes `text/plain` for JSON, and names the page's origin in the answer.

    A page that is not in the list gets what it gets without this: its JSON needs a preflight, which is refused,
    and its `text/plain` is no JSON. So no page makes a visitor's browser hold auctions that the list does not name.
    """

    def __init__(self, route: ASGIApp, origins: Sequence[str]) -> None:
        self._route = route
        self._everybody = ANY in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None or not (self._everybody or origin in self._origins):
            await self._route(scope, receive, send)
            return
        named = self._named(origin)
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 204, "headers": [*named, *PREFLIGHT]})
            await send({"type": "http.response.body"})
            return

        async def naming(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *named]
            await send(message)

        seen = {**scope, "headers": _as_json(scope["headers"]), "extensions": {}}  # answered by messages alone
        await self._route(seen, receive, naming)

    def _named(self, origin: bytes) -> Headers:
        if self._everybody:
            return ((b"access-control-allow-origin", b"*"),)
        return ((b"access-control-allow-origin", origin), (b"vary", b"origin"))


def _as_json(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers with `text/plain` read as JSON in the same charset: it is what spares a page the preflight."""
    return [
        (name, b"application/json" + value[len(b"text/plain") :])
        if name == b"content-type" and value.lower().startswith(b"text/plain")
        else (name, value)
        for name, value in headers
    ]
