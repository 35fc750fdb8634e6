"""An answer that leaves as a whole is the answer that uvicorn would write from messages, byte for byte."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from adcascade.errors import InputError
from adcascade.server.bounds import Bounds, bounded
from adcascade.server.endpoint import JsonPost
from adcascade.server.metrics import Metrics
from adcascade.server.options import ServerOptions
from adcascade.server.reply import Reply
from adcascade.server.whole import offered

ANSWERS = {
    b"bids": Reply(200, b'{"id":"1"}', ((b"x-openrtb-version", b"2.6"),)),
    b"long": Reply(200, b'"' + b"a" * 5000 + b'"'),
    b"none": Reply(204),
}
CLOSING = "connection: close\r\n"


def request(body: str, headers: str = "", method: str = "POST", version: str = "1.1") -> bytes:
    """One request."""
    head = f"{method} /x HTTP/{version}\r\nhost: h\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return (head + body).encode()


WIRES = {
    "one after another": request("bids") + request("none") + request("wrong") + request("bids", CLOSING),
    "gzipped": request("long", f"accept-encoding: gzip\r\n{CLOSING}"),
    "long": request("long") + request("long", CLOSING),
    "another method": request("", method="GET") + request("", CLOSING, method="DELETE"),
    "head alone": request("", method="HEAD") + request("bids", CLOSING),
    "old HTTP": request("bids", version="1.0"),
    "a failure": request("raise") + request("none", CLOSING),
    "goes on when told to": request("bids", "expect: 100-continue\r\n") + request("bids", CLOSING),
}


async def handler(_headers: Mapping[bytes, bytes], body: bytes) -> Reply:
    """What the body asks for."""
    if body == b"wrong":
        raise InputError("body", "wrong", "right")
    return ANSWERS[body]


class App:
    """A route that may be begun promptly."""

    def __init__(self, asked: Callable[..., Awaitable[None]], *, prompt: bool) -> None:
        self._asked, self.prompt = asked, frozenset({"/x"} if prompt else ())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        await self._asked(scope, receive, send)


def heard(wire: bytes, *, whole: bool, prompt: bool) -> tuple[bytes, list[bool]]:
    """All that a server sends for these bytes, and for each request whether it was offered to answer as a whole."""
    post = JsonPost(route="/x", handler=handler, options=ServerOptions(), metrics=Metrics())
    offers: list[bool] = []

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        seen = scope if whole else {**scope, "extensions": {}}
        offers.append(offered(seen) is not None)
        await post(seen, receive, send)

    async def ask() -> bytes:
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(
            App(asked, prompt=prompt), log_config=None, ws="none", proxy_headers=False, lifespan="off"
        )
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"now"), (b"server", b"us")]
        protocol = bounded(Bounds())
        async with await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(wire)
            answer = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()
            return answer

    return uvloop.run(ask()), offers


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("prompt", [False, True])
def test_a_whole_answer_is_what_uvicorn_writes(name: str, *, prompt: bool) -> None:
    """For requests one after another, of any kind, begun as tasks or where they are read; each of them is answered."""
    ours, offers = heard(WIRES[name], whole=True, prompt=prompt)
    theirs, withheld = heard(WIRES[name], whole=False, prompt=False)
    assert ours == theirs
    assert all(offers)
    assert not any(withheld)
    assert len(re.findall(rb"HTTP/1.1 [245]\d\d ", ours)) == len(offers) >= 1
