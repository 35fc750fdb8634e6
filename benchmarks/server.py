"""What the HTTP shell costs: POST /openrtb2/bid with a stub engine, beside bare uvicorn over the same handler.

    floor   bare ASGI: decode the request, encode a response that is always the same
    bare    bare ASGI around our handler: decode, check, translate, stub auction, markup, encode
    shell   the application as it is served: limits, guards, metrics, headers, patience

The bar: shell / bare at most 1.15 by server CPU time a request. Each round asks all three in turn; the table
holds medians of the rounds. Run: python benchmarks/server.py [ROUNDS] [SECONDS]
"""

import asyncio
import json
import multiprocessing
import os
import platform
import socket
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import uvicorn
import uvloop

from adcascade.cascade.answer import Answer, EventReceipt, IncomingEvent, Resolved, Served
from adcascade.cascade.overload import Ladder
from adcascade.cascade.readings import Reading
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.contracts import AdRequest
from adcascade.errors import SignatureError
from adcascade.server.admission import Admission
from adcascade.server.app import create_app, now_us, request_id
from adcascade.server.metrics import Metrics
from adcascade.server.openrtb.endpoint import BidEndpoint
from adcascade.server.openrtb.objects import BidRequest
from adcascade.server.options import ServerOptions
from adcascade.server.patience import PatientProtocol

CONNECTIONS = 16
TICKS = os.sysconf("SC_CLK_TCK")
BODY = json.dumps(
    {
        "id": "80ce30c53c16e6ede735f123ef6e32361bfc7b22",
        "at": 1,
        "tmax": 120,
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
REQUEST = (
    b"POST /openrtb2/bid HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-openrtb-version: 2.6\r\n"
    b"content-length: %d\r\n\r\n" % len(BODY)
) + BODY


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


def application(kind: str) -> Any:
    """One of the three."""
    if kind == "shell":
        return create_app(Stub())
    options, metrics = ServerOptions(), Metrics()
    handler = BidEndpoint(Admission(Stub(), Ladder()), options, metrics, now_us, request_id)
    decoder, encoder = msgspec.json.Decoder(BidRequest, strict=False), msgspec.json.Encoder()
    answer = msgspec.json.decode(asyncio.run(handler({}, BODY)).body)

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001  the shape of ASGI
        body = (await receive())["body"]
        if kind == "bare":
            content = (await handler({}, body)).body
        else:
            decoder.decode(body)
            content = encoder.encode(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return app


def serve(kind: str, listener: socket.socket) -> None:
    """The process of one server."""
    protocol = PatientProtocol if kind == "shell" else "httptools"
    config = uvicorn.Config(
        application(kind), http=protocol, loop="uvloop", ws="none", lifespan="off", log_config=None, access_log=False
    )
    uvicorn.Server(config).run(sockets=[listener])


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, end: float) -> None:
        self._end, self._heard = end, b""
        self.times: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport: Any = transport
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Count a whole answer and ask again."""
        self._heard += data
        head, separator, body = self._heard.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        self._heard = b""
        now = time.perf_counter()
        self.times.append(now - self._asked)
        if now < self._end:
            self._ask()
        else:
            self._transport.close()
            self.done.set_result(None)


async def load(port: int, seconds: float) -> list[float]:
    """Answer times of all connections, sorted."""
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds
    clients = [(await loop.create_connection(lambda: Client(end), "127.0.0.1", port))[1] for _ in range(CONNECTIONS)]
    await asyncio.gather(*(client.done for client in clients))
    return sorted(each for client in clients for each in client.times)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (Linux)."""
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123  a pseudo-file
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main(rounds: int, seconds: float) -> None:
    """Three servers, asked in turn."""
    kinds = ("floor", "bare", "shell")
    context = multiprocessing.get_context("spawn")
    servers = {}
    for kind in kinds:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = context.Process(target=serve, args=(kind, listener), daemon=True)
        process.start()
        servers[kind] = (process, listener.getsockname()[1])
    figures: dict[str, list[tuple[float, ...]]] = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, (process, port) in servers.items():
            before, start = cpu_seconds(process.pid or 0), time.perf_counter()
            times = uvloop.run(load(port, seconds))
            spent, wall = cpu_seconds(process.pid or 0) - before, time.perf_counter() - start
            if number:  # the first round warms up
                row = (
                    len(times) / wall,
                    spent / len(times) * 1e6,
                    times[len(times) // 2],
                    times[len(times) * 99 // 100],
                )
                figures[kind].append(row)
    for process, _ in servers.values():
        process.terminate()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {len(BODY)} B request")
    print("| server | requests/s | server CPU us/request | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- |")
    middle = {kind: [statistics.median(column) for column in zip(*rows, strict=True)] for kind, rows in figures.items()}
    for kind, (rate, cpu, p50, p99) in middle.items():
        print(f"| {kind} | {rate:,.0f} | {cpu:.1f} | {p50 * 1e3:.2f} | {p99 * 1e3:.2f} |")
    ratios = [shell[1] / bare[1] for shell, bare in zip(figures["shell"], figures["bare"], strict=True)]
    print(f"shell / bare by CPU: {statistics.median(ratios):.3f} (bar 1.15)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, float(sys.argv[2]) if len(sys.argv) > 2 else 2.0)
