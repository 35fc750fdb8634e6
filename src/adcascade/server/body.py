"""Reading a request's body: whole, bounded, unpacked."""

import zlib
from collections.abc import Mapping

from starlette.types import Receive

from adcascade.server.problems import RefusalError

RATIO = 50  # JSON of this kind shrinks to a tenth; what unfolds to so many times its size is a bomb
FREE = 65_536  # bytes that may come out of however few
MEMBERS = 16  # of a gzip stream


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], *, limit: int, inflated: int) -> bytes:
    """The body's bytes, gunzipped where the header says so.

    limit: bytes as sent; inflated: bytes after gunzip. RefusalError: 413 too large, 415 unknown encoding,
    400 damaged gzip or a caller who left in the middle.
    """
    declared = headers.get(b"content-length")
    if declared is not None and (not declared.isdigit() or len(declared) > 18 or int(declared) > limit):
        raise _too_large(declared.decode("latin-1"), limit)
    body = await _collect(receive, limit)
    encoding = headers.get(b"content-encoding")
    if encoding is None or encoding == b"identity":
        return body
    if encoding.strip().lower() not in (b"gzip", b"x-gzip"):
        raise RefusalError(
            415, "content-encoding", encoding.decode("latin-1"), "gzip or identity", "send it plain or gzipped"
        )
    return gunzip(body, inflated)


async def _collect(receive: Receive, limit: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(size, limit)
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise RefusalError(400, "body", "cut off", "a whole body")
    if len(body) > limit:
        raise _too_large(len(body), limit)
    return body


def gunzip(packed: bytes, limit: int) -> bytes:
    """Unpack one or more gzip members, never to more than `limit` bytes, nor to many times what was sent."""
    parts: list[bytes] = []
    limit = min(limit, max(FREE, RATIO * len(packed)))
    left = limit
    while packed:
        if len(parts) == MEMBERS:  # each further one would copy the rest once more
            raise RefusalError(400, "body", "gzip of many members", f"at most {MEMBERS}", "compress it in one go")
        member = zlib.decompressobj(31)
        try:
            parts.append(member.decompress(packed, left + 1))
        except zlib.error as error:
            raise RefusalError(400, "body", str(error), "valid gzip, as content-encoding says") from error
        left -= len(parts[-1])
        if left < 0:
            raise _too_large(f"more than {limit} bytes after gunzip", limit)
        if not member.eof:
            raise RefusalError(400, "body", "cut off", "a whole gzip stream")
        packed = member.unused_data
    return b"".join(parts)


def _too_large(size: object, limit: int) -> RefusalError:
    return RefusalError(413, "body", size, f"at most {limit} bytes", "split it into several requests")
