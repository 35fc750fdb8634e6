"""Page: the contract of everything that the console shows. One file below `pages/` holds one `PAGE`.

A page is data: its name, who may see it, its routes. A route is a method, a path, a handler, and the template that
shows what the handler returns. A handler takes a `Visit` and returns a view (a `msgspec.Struct` that the template gets
as `view`), a `Go` to another page, a `Download`, or a `Sheet`; it refuses by raising what `errors.py` holds. Nothing
of HTTP reaches it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, ParamSpec, TypeVar

import msgspec

from adcascade.access.keys import ROLES, Key, Role, Scope
from adcascade.console.history import History
from adcascade.console.kept import Kept
from adcascade.console.machine import Machine
from adcascade.console.market_runs import MarketRuns
from adcascade.errors import AccessError
from adcascade.server.front import Inside
from adcascade.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What pages work with: the running server's inside, its settings with all paths, the last hour of all workers of
    the machine in figures, those workers, the runs of the simulated market, and answers that cost too much to be made
    for every visit."""

    inside: Inside
    settings: Settings
    history: History
    machine: Machine
    market: MarketRuns
    kept: Kept = field(default_factory=Kept)


class Says(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence shown once, on the next page."""

    text: str
    tone: Literal["good", "bad"] = "good"


class Go(msgspec.Struct, frozen=True, kw_only=True):
    """To another page, after something was done. says: what was done."""

    to: str
    says: Says | None = None


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """A file instead of a page. type: its media type."""

    content: bytes
    type: str
    name: str


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A whole document for a frame of our own pages, with its own content security policy."""

    html: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request as a handler sees it. key: whose; None: a visitor without one. htmx: only a part is asked for."""

    desk: Desk
    key: Key | None
    now_us: int
    url: str  # path and query
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    htmx: bool = False

    def allows(self, scope: Scope) -> bool:
        """Whether the visitor may do this."""
        return self.key is not None and self.key.allows(scope)

    @property
    def by(self) -> str:
        """How the audit log names the visitor."""
        return "nobody" if self.key is None else f"key:{self.key.id}:{self.key.name}"

    async def aside(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What reads files or databases, in a thread beside the requests."""
        return await asyncio.to_thread(work, *arguments, **named)


Answer = msgspec.Struct
Handler = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A route. template: below `templates/`; needs: a scope beyond the page's; status: of the answer."""

    method: Literal["GET", "POST"] = "GET"
    path: str
    handler: Handler
    template: str = ""
    needs: Scope | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page. needs: a key with this scope sees it; None: everybody does.

    whole_house: not for keys of single advertisers, since it tells of others too. open: shown without a key where
    `access.status` leaves the inside open. listed: stands in the navigation.
    """

    name: str
    title: str
    path: str
    routes: Sequence[At]
    needs: Scope | None
    whole_house: bool = False
    open: bool = False
    listed: bool = True

    @property
    def role(self) -> Role | None:
        """The lowest role that sees it."""
        return None if self.needs is None else next(role for role, may in ROLES.items() if self.needs in may)

    def shown_to(self, key: Key | None, *, inside_open: bool) -> bool:
        """Whether this visitor sees it."""
        if self.needs is None or (self.open and inside_open):
            return True
        return key is not None and key.allows(self.needs) and not (self.whole_house and key.advertisers)

    def check(self, key: Key | None, *, inside_open: bool, also: Scope | None = None) -> None:
        """AccessError: 401 nobody signed in, 403 the key does not do."""
        if not self.shown_to(key, inside_open=inside_open):
            if key is None:
                raise AccessError(401, "a visitor who signed in")
            if self.needs is not None and not key.allows(self.needs):
                raise AccessError(403, f"a key with the scope {self.needs}", "ask an administrator for one")
            raise AccessError(403, "a key for all advertisers", "ask an administrator for one")
        if also is not None and (key is None or not key.allows(also)):
            raise AccessError(
                401 if key is None else 403, f"a key with the scope {also}", "ask an administrator for one"
            )
