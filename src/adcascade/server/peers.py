"""Whose request it is: the address of the connection, or the one that a trusted proxy says it forwards for.

X-Forwarded-For is a list that every proxy lengthens by the address it heard from, so only its right end can be
believed, and only as far as the proxies are ours: read from the right, the first address that is no trusted proxy's.
"""

from collections.abc import Sequence

from starlette.types import Scope

from adcascade.events.traffic.networks import networks_of
from adcascade.events.traffic.source import Route, Source

LONGEST = 512  # characters of a user agent that are looked at


class Peers:
    """trusted: ranges of proxies; ConfigurationError where one is no range."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self._trusted = networks_of(trusted, "server.trusted_proxies")

    def source(self, scope: Scope, route: Route) -> Source:
        """Who sent this request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        agent = headers.get(b"user-agent", b"")[:LONGEST].decode("latin-1")
        return Source(route, self.address(scope), agent)

    def address(self, scope: Scope) -> str:
        """The sender's address; "" where the server does not know one, as behind a UNIX socket."""
        client = scope.get("client")
        address: str = client[0] if client else ""
        if not self._trusted.holding(address):
            return address
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for part in reversed(forwarded.decode("latin-1").split(",")):
            before = address
            address = _unwrapped(part)
            if not self._trusted.holding(address):
                return address or before
        return address


def _unwrapped(part: str) -> str:
    """An address without blanks, brackets and port."""
    text = part.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
