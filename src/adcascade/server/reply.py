"""Reply: status, JSON body and headers on their way out; and how it is sent."""

import zlib
from typing import NamedTuple

from starlette.types import Send

Headers = tuple[tuple[bytes, bytes], ...]

SECURITY: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
SNIFF: Headers = ((b"x-content-type-options", b"nosniff"),)  # enough for answers to POST that no browser shows
JSON: Headers = ((b"content-type", b"application/json"), *SNIFF)
GZIP: Headers = ((b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))


class Reply(NamedTuple):
    """One answer; headers beside those of every answer."""

    status: int
    body: bytes = b""
    headers: Headers = ()


def finished(reply: Reply, *, compress: bool = False) -> Reply:
    """With all its headers but the length, as JSON, gzipped where `compress` says so; a 204 has no body."""
    if reply.status == 204:
        return Reply(204, b"", (*reply.headers, *SNIFF))
    if compress:
        return Reply(reply.status, gzipped(reply.body), (*JSON, *reply.headers, *GZIP))
    return Reply(reply.status, reply.body, (*JSON, *reply.headers))


async def send_finished(send: Send, reply: Reply) -> None:
    """Send what `finished` gave."""
    length = () if reply.status == 204 else ((b"content-length", b"%d" % len(reply.body)),)
    await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, *length]})
    await send({"type": "http.response.body", "body": reply.body})


def gzipped(body: bytes) -> bytes:
    """The body as gzip, quickly rather than tightly."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, 31)
    return compressor.compress(body) + compressor.flush()
