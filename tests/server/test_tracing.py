"""Traces: a span a stage, the caller's trace as the parent, our own draw, and a real receiver of OTLP."""

import asyncio
import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.load.installation import AUCTION, make_catalog
from tests.server.process import SERVE, Process

from adcascade.cascade.opening import open_service
from adcascade.cascade.overload import OVERLOAD, Ladder
from adcascade.cascade.service import AdService
from adcascade.sections import TelemetrySettings
from adcascade.server.app import create_app
from adcascade.server.otel import tracing_to
from adcascade.server.tracing import open_tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[AdService]:
    """The real engine, untrained, over a small catalog."""
    make_catalog(tmp_path, campaigns=3)
    opened = open_service(tmp_path)
    yield opened
    opened.close()


def spans_of(service: AdService, ratio: float, *, times: int = 1, ladder: Ladder | None = None) -> list[ReadableSpan]:
    """What is exported of so many auctions with a caller's trace."""
    exporter = InMemorySpanExporter()
    tracing = tracing_to(exporter, TelemetrySettings(endpoint="memory", ratio=ratio))
    app = create_app(service, ladder=ladder, tracing=tracing)

    async def ask() -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://ads.example.com") as client:
            for number in range(times):
                parent = PARENT if times == 1 else f"00-{number * 2**58 + 1:032x}-b7ad6b7169203331-01"
                answer = await client.post("/v2/auctions", json=AUCTION, headers={"traceparent": parent})
                assert answer.status_code == 200

    asyncio.run(ask())
    tracing.close()
    return list(exporter.get_finished_spans())


def test_every_stage_has_its_span_within_the_request(service: AdService) -> None:
    """request > auction > features, the stages, money, log; consecutive, within their parents, with counts."""
    spans = spans_of(service, 1.0)
    by_name = {span.name: span for span in spans}
    root, auction = by_name["POST /v2/auctions"], by_name["auction"]
    assert root.parent is not None
    assert f"{root.parent.trace_id:032x}" in PARENT
    assert f"{root.parent.span_id:016x}" in PARENT
    assert auction.parent is not None
    assert auction.parent.span_id == root.context.span_id
    below = [span for span in spans if span.parent and span.parent.span_id == auction.context.span_id]
    parts = sorted(below, key=lambda span: span.start_time or 0)
    names = [span.name for span in parts]
    assert names == ["features", "uniform_retrieval", "bidding", "uniform_auction", "creative", "money", "log"]
    ends = [(span.start_time or 0, span.end_time or 0) for span in parts]
    assert all(a[1] <= b[0] for a, b in pairwise(ends))
    assert (auction.start_time or 0) <= ends[0][0]
    assert ends[-1][1] <= (auction.end_time or 0)
    stage = by_name["uniform_retrieval"].attributes or {}
    assert (stage["adcascade.entered"], stage["adcascade.left"]) == (0, 2)
    assert (root.attributes or {})["http.response.status_code"] == 200
    assert (auction.attributes or {})["adcascade.winners"] == 2


def test_no_span_holds_what_a_caller_wrote(service: AdService) -> None:
    """Attributes are our routes, stages, counts and reasons."""
    allowed = {"http.route", "http.response.status_code", "adcascade.entered", "adcascade.left", "adcascade.cut"}
    allowed |= {"adcascade.winners", "adcascade.no_bid_reason"}
    assert {key for span in spans_of(service, 1.0) for key in span.attributes or {}} <= allowed


def test_a_declined_request_says_so(service: AdService) -> None:
    """Where the engine does not begin, the trace tells why."""

    class Closed(Ladder):
        def admit(self, age_us: float, timeout_us: int) -> str:
            return OVERLOAD

    spans = {span.name: span for span in spans_of(service, 1.0, ladder=Closed())}
    assert (spans["declined"].attributes or {})["adcascade.no_bid_reason"] == OVERLOAD


@pytest.mark.parametrize(("ratio", "traced"), [(0.0, 0), (0.25, 16), (1.0, 64)])
def test_the_ratio_decides_whatever_the_caller_says(service: AdService, ratio: float, traced: int) -> None:
    """64 evenly spread trace ids, all marked as sampled by the caller: as many are traced as the ratio says."""
    assert sum(span.name == "auction" for span in spans_of(service, ratio, times=64)) == traced


def test_tracing_is_off_by_default_and_imports_nothing() -> None:
    """No endpoint, no tracing; the server's modules bring no OpenTelemetry."""
    assert open_tracing(TelemetrySettings()) is None
    code = "import sys; import adcascade.cli.serve; print([m for m in sys.modules if m.startswith('opentelemetry')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


class Collector(HTTPServer):
    """Receives OTLP over HTTP and decodes it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.names: set[str] = set()
        self.services: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    """POST /v1/traces in protobuf."""

    def do_POST(self) -> None:
        """Decode and remember."""
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.server.services |= {a.value.string_value for a in resource.resource.attributes}
                self.server.names |= {span.name for scope in resource.scope_spans for span in scope.spans}
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Quiet."""


def test_a_real_server_sends_its_traces_to_a_real_receiver(tmp_path: Path) -> None:
    """`adcascade serve` with telemetry.endpoint: the stages arrive by OTLP over HTTP, at the latest when it stops."""
    make_catalog(tmp_path, campaigns=2)
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        (tmp_path / "adcascade.toml").write_text(
            f'[telemetry]\nendpoint = "http://127.0.0.1:{collector.server_port}"\nratio = 1.0\nservice = "shop"\n'
        )
        server = Process(tmp_path, SERVE)
        server.start()
        assert server.ask("POST", "/v2/auctions", AUCTION)[0] == 200
        server.kill(15)
        deadline = time.monotonic() + 5
        while "log" not in collector.names and time.monotonic() < deadline:
            time.sleep(0.05)
        collector.shutdown()
        thread.join()
    assert {"POST /v2/auctions", "auction", "uniform_retrieval", "money", "log"} <= collector.names
    assert "shop" in collector.services
