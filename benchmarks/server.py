"""What the HTTP shell costs: POST /openrtb2/bid with a stub engine, beside bare uvicorn over the same handler.

    floor     bare ASGI: decode the request, encode a response that is always the same
    bare      bare ASGI around our handler: decode, check, translate, stub auction, markup, encode
    shell     the application as it is served, with that handler: bounds, guards, metrics, headers, patience
    plain     the same application with the floor's work for a handler
    fastapi   the floor's work by FastAPI and pydantic, in the peers' environment

Whole endpoints are compared with the same handler on both sides, frameworks with the same small work on both sides;
that the whole endpoint also stands beside FastAPI's small work informs, and judges nothing. Each round asks all in
turn; rows hold medians over the rounds of server CPU time a request.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from adcascade.bench import Bar, Row
from adcascade.bench.client import client
from adcascade.bench.load import closed_loop, post
from adcascade.bench.peers import PeerAbsentError, peers_python
from adcascade.bench.process import cpu_seconds, free_port
from adcascade.bench.rounds import Figure, figure
from adcascade.cascade.answer import Answer, EventReceipt, IncomingEvent, Resolved, Served
from adcascade.cascade.overload import Ladder
from adcascade.cascade.readings import Reading
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.contracts import AdRequest
from adcascade.errors import SignatureError
from adcascade.server.admission import Admission
from adcascade.server.app import BID, AdServer, create_app, now_us, request_id
from adcascade.server.bounds import Bounds, bounded
from adcascade.server.endpoint import JsonPost
from adcascade.server.metrics import Metrics
from adcascade.server.openrtb.endpoint import BidEndpoint
from adcascade.server.openrtb.objects import BidRequest
from adcascade.server.options import ServerOptions
from adcascade.server.reply import Reply

CONNECTIONS = 16
PEER = Path(__file__).parent / "peers" / "fastapi_bid.py"
SHELL, FASTER = 1.15, 4.0  # the bars
BODY = json.dumps(
    {
        "id": "80ce30c53c16e6ede735f123ef6e32361bfc7b22",
        "at": 1,
        "tmax": 3_000,  # so that a busy machine makes nobody decline
        "cur": ["USD"],
        "imp": [
            {"id": "1", "bidfloor": 0.03, "banner": {"format": [{"w": 300, "h": 250}, {"w": 320, "h": 50}], "pos": 1}}
        ],
        "site": {
            "id": "102855",
            "domain": "www.news.example",
            "cat": ["IAB3-1"],
            "page": "http://www.news.example/1234.html",
            "publisher": {"id": "8953", "name": "news.example", "cat": ["IAB3-1"], "domain": "news.example"},
        },
        "device": {
            "ua": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Safari/537.36",
            "ip": "192.0.2.17",
            "devicetype": 2,
            "geo": {"country": "DEU", "lat": 52.5, "lon": 13.4},
            "ext": {"sua": {"platform": "linux", "brands": [{"brand": "x", "version": ["1", "2"]}] * 4}},
        },
        "user": {"id": "55816b39711f9b5acf3b90e313ed29e51665623f", "buyeruid": "545678765467876567898765678987654"},
        "regs": {"gdpr": 0, "coppa": 0},
        "bcat": [f"IAB{number}-{part}" for number in range(20, 26) for part in range(1, 5)],
        "badv": [f"blocked{number}.example" for number in range(12)],
    }
).encode()
REQUEST = post("/openrtb2/bid", BODY)


class Stub:
    """An engine that always gives the same winner at once."""

    bundle_version = "stub"

    def __init__(self) -> None:
        creative = Creative(
            id="c", format="banner", title="A shoe", image_url="https://img.example/a.jpg", width=300, height=250
        )
        self._winner = Served(
            token="A" * 120, bid_id="b1", slot=0, row=0, ad=Ad(id="a", campaign="k", title="A shoe", category="shoes"),
            creative_index=0, creative=creative, campaign=Campaign(id="k", advertiser="v"),
            advertiser=Advertiser(id="v", domain="shoes.example"), price_micros=10_000, ecpm_micros=1_000_000, ctr=0.1,
        )  # fmt: skip

    def auction(self, request: AdRequest) -> Answer:
        """The winner."""
        return Answer(request_id=request.id, winners=(self._winner,))

    async def accept(self, events: Sequence[IncomingEvent]) -> list[EventReceipt]:
        """Nothing is asked of it here."""
        return [EventReceipt(id=event.id, status="rejected") for event in events]

    def resolve(self, token: str) -> Resolved:
        """No token is known here."""
        raise SignatureError(token)

    def ready(self) -> str | None:
        """At once."""
        return None

    def status(self) -> Mapping[str, object]:
        """Nothing."""
        return {}

    def alarms(self) -> Sequence[Mapping[str, object]]:
        """None."""
        return ()

    def readings(self) -> Sequence[Reading]:
        """None."""
        return ()

    def release(self, bid_ids: Sequence[str]) -> None:
        """Nothing."""

    def prepare(self) -> None:
        """Nothing."""

    def upkeep(self, now: int) -> None:
        """Nothing."""


def calm() -> Ladder:
    """An overload ladder that a neighbour's work does not climb."""
    return Ladder(standard_us=60_000_000)


def endpoint() -> BidEndpoint:
    """Our handler over the stub."""
    return BidEndpoint(Admission(Stub(), calm()), ServerOptions(), Metrics(), now_us, request_id)


def small() -> Callable[[bytes], bytes]:
    """The work of the floor: decode the request, encode an answer that is always the same."""
    decoder, encoder = msgspec.json.Decoder(BidRequest, strict=False), msgspec.json.Encoder()
    answer = msgspec.json.decode(asyncio.run(endpoint()({}, BODY)).body)

    def work(body: bytes) -> bytes:
        decoder.decode(body)
        return encoder.encode(answer)

    return work


def application(kind: str) -> Any:
    """One of ours."""
    if kind == "shell":
        return create_app(Stub(), ladder=calm())
    handler, work = endpoint(), small()

    async def plain(_headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        return Reply(200, work(body))

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001  the shape of ASGI
        body = (await receive())["body"]
        content = (await handler({}, body)).body if kind == "bare" else work(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    if kind == "plain":
        shell = create_app(Stub())
        post = JsonPost(route=BID, handler=plain, options=ServerOptions(), metrics=shell.metrics)
        return AdServer({BID: post}, shell, shell.metrics)
    return app


def serve(kind: str, listener: socket.socket) -> None:
    """The process of one server; uvicorn is told the same for all, as `adcascade serve` does."""
    config = uvicorn.Config(
        application(kind),
        http=bounded(Bounds()) if kind in ("shell", "plain") else "httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    gc.freeze()
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def ours(kind: str) -> Iterator[tuple[int, int]]:
    """Process id and port of one of our servers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = multiprocessing.get_context("fork").Process(target=serve, args=(kind, listener), daemon=True)
        process.start()
        try:
            yield process.pid or 0, listener.getsockname()[1]
        finally:
            process.terminate()
            process.join()


@contextmanager
def fastapi() -> Iterator[tuple[int, int]]:
    """Process id and port of the peer; PeerAbsentError where it is not installed."""
    port = free_port()
    answer = asyncio.run(endpoint()({}, BODY)).body
    order = json.dumps({"port": port, "answer": json.loads(answer)})
    python = peers_python(PEER.parent.parent)
    child = subprocess.Popen([python, PEER, order], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            if child.poll() is not None:
                raise PeerAbsentError(f"{PEER.name} ended: {child.stderr.read()[-500:]}")  # type: ignore[union-attr]
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield child.pid, port
    finally:
        child.terminate()
        child.communicate()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each server in each round")


def run(given: argparse.Namespace) -> list[Row]:
    """CPU time a request of each server, by turns."""
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(ours(kind)) for kind in ("floor", "bare", "shell", "plain")}
        absent = ""
        try:
            servers["fastapi"] = stack.enter_context(fastapi())
        except PeerAbsentError as error:
            absent = str(error)
        ask = stack.enter_context(client())
        spent: dict[str, list[float]] = {kind: [] for kind in servers}
        for number in range(-1, given.rounds):  # the first round warms up
            for kind, (pid, port) in servers.items():
                before = cpu_seconds(pid)
                load = ask(closed_loop, [port], [REQUEST], connections=CONNECTIONS, seconds=given.seconds)
                answers = load.answers
                others = sorted({one.status for one in answers} - {200})
                if others:
                    raise RuntimeError(f"{kind} answered {others} beside 200 (0: not at all); expected bids alone")
                if number >= 0:
                    spent[kind].append((cpu_seconds(pid) - before) / len(answers) * 1e6)
    return _rows(spent, absent)


def _rows(spent: Mapping[str, Sequence[float]], absent: str) -> list[Row]:
    middle = {kind: figure(values) for kind, values in spent.items()}
    floor = middle["floor"].median
    peer = middle["fastapi"].median if "fastapi" in middle else None
    return [
        Row(
            name="bid endpoint",
            value=middle["shell"].median,
            unit="us CPU",
            spread=middle["shell"].spread,
            peer="bare uvicorn with the same handler",
            peer_value=middle["bare"].median,
            floor=floor,
            floor_of="bare uvicorn, decode and encode",
            bar=Bar(of="ratio", most=SHELL),
            note=f"{len(BODY)} bytes of OpenRTB, one banner; the ratio is the shell's cost over the bare one's, and "
            f"{middle['bare'].median - floor:.0f} us are the handler's beyond decoding and encoding",
        ),
        _beside(
            "shell, decode and encode",
            middle["plain"],
            peer,
            Bar(of="ratio", least=FASTER),
            absent or "both decode and validate the same request and encode the same answer",
        ),
        _beside(
            "bid endpoint, all its work",
            middle["shell"],
            peer,
            None,
            absent or "FastAPI's side only decodes and encodes: it neither checks, nor translates, nor writes markup",
        ),
    ]


def _beside(name: str, ours: Figure, peer_us: float | None, bar: Bar | None, note: str) -> Row:
    """Requests for a second of server CPU, beside FastAPI's."""
    return Row(
        name=f"{name}, requests a CPU second",
        value=1e6 / ours.median,
        unit="requests/s",
        spread=ours.spread,
        peer="FastAPI and pydantic, decode and encode",
        peer_value=None if peer_us is None else 1e6 / peer_us,
        bar=bar,
        note=note,
    )
