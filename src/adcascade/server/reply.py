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


class Reply(NamedTuple):
    """One answer; headers beside those of every answer."""

    status: int
    body: bytes = b""
    headers: Headers = ()


async def send_reply(send: Send, reply: Reply, *, compress: bool = False) -> None:
    """Send it as JSON, gzipped where `compress` says so; a 204 has neither body nor length."""
    if reply.status == 204:
        await send({"type": "http.response.start", "status": 204, "headers": [*reply.headers, *SNIFF]})
        await send({"type": "http.response.body"})
        return
    body = reply.body
    headers = [*JSON, *reply.headers]
    if compress:
        body = gzipped(body)
        headers += ((b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def gzipped(body: bytes) -> bytes:
    """The body as gzip, quickly rather than tightly."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, 31)
    return compressor.compress(body) + compressor.flush()
