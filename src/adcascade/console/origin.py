"""Origin: whether a request that changes something comes from our own pages.

A browser says in `origin` whose page sent a form or a script's request, and no page can say otherwise. Host and origin
must agree, or the origin be that of `server.public_url`, where a proxy writes another host.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_own(headers: Mapping[str, str], public_url: str) -> bool:
    """Whether the request's page is ours; one that does not say whose it is, is not."""
    origin, host = headers.get("origin", ""), headers.get("host", "")
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    public, told = urlsplit(public_url), urlsplit(origin)
    if origin == f"{public.scheme}://{public.netloc}":
        return True
    return bool(host) and told.scheme == public.scheme and told.netloc == host


def is_our_name(host: str, public_url: str) -> bool:
    """Whether a browser asked for this machine by a name of ours: a foreign name that leads here reads nothing that is
    open to this machine alone."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name in LOOPBACK or host == urlsplit(public_url).netloc
