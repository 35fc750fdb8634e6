"""One route a path: where a path is known and the method is not, the answer is 405 with the methods that there are.

Starlette tries further routes where only the method differs: a path that stands before a pattern would fall through to
the pattern's 404, and `allow` would name the methods of the first of several routes.
"""

from collections.abc import Iterable, Sequence

from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


def by_path(routes: Iterable[Route]) -> list[Route]:
    """The routes with those of one path made one, in the order in which the paths come first."""
    paths: dict[str, list[Route]] = {}
    for route in routes:
        paths.setdefault(route.path, []).append(route)
    return [Route(path, ByMethod(group)) for path, group in paths.items()]


class ByMethod:
    """The routes of one path as an ASGI application."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._apps = {method: route.app for route in routes for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        app = self._apps.get(scope["method"])
        if app is None:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self._apps))})
        await app(scope, receive, send)
