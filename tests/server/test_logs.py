"""Log lines are bound to their request and hold nothing of what callers or the operator must keep to themselves."""

import io
import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from tests.load.disks import LimitedProcess
from tests.load.installation import WHEN, bid_request, impressions, make_catalog
from tests.server.process import SERVE, Process

from adcascade.errors import StoreError
from adcascade.server.heard import Heard, heard
from adcascade.server.logs import configure_logs

SECRET = "planted-signing-key-5d1f"
USER, QUERY, BODY = "planted-user-7c2e", "planted-query-91ab", "planted-body-04fd"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged; structlog as it was afterwards."""
    stream = io.StringIO()
    configure_logs(stream)
    yield stream
    structlog.reset_defaults()


def test_a_line_knows_its_request(lines: io.StringIO) -> None:
    """Request id, route and trace id; two lines of one request share them; without a request there are none."""
    log = structlog.get_logger()
    log.warning("before")
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    token = heard.set(Heard("/v2/events", parent))
    log.warning("first")
    log.warning("second")
    heard.reset(token)
    before, first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert "request" not in before
    assert first["request"] == second["request"]
    assert (first["route"], first["trace_id"]) == ("/v2/events", "0af7651916cd43dd8448eb211c80319c")


@given(st.binary(max_size=60))
def test_a_trace_id_is_hexadecimal_or_nothing(header: bytes) -> None:
    """Whatever a caller sends as traceparent, no other text of it is kept."""
    told = Heard("/", header).trace_id
    assert told == "" or (len(told) == 32 and set(told) <= set("0123456789abcdef"))


def test_an_exception_is_told_without_its_message_unless_it_is_ours(lines: io.StringIO) -> None:
    """A ValueError may repeat a caller's value; a StoreError speaks of the disk. Types and places are told of both."""

    def fail() -> None:
        try:
            int(BODY)
        except ValueError as error:
            raise StoreError("the disk is full") from error

    with pytest.raises(StoreError) as caught:
        fail()
    structlog.get_logger().error("failed", exc_info=caught.value)
    told = json.loads(lines.getvalue())["exception"]
    assert BODY not in lines.getvalue()
    assert told[0].startswith("StoreError: the disk is full at ")
    assert told[1].startswith("ValueError at ")
    assert "test_logs.py" in told[1]


def misuse(server: Process) -> list[str]:
    """Requests of every kind, good and bad, full of planted words; the tokens that were given out."""
    asked: dict[str, Any] = {"type": "listings", "slots": 2, "opaqueUserId": USER, "searchQuery": QUERY}
    _, answer = server.ask("POST", "/v2/auctions", {"auctions": [asked | {"searchQuery": None}]})
    tokens = [winner["resolvedBidId"] for winner in answer["results"][0]["winners"]]
    bid = bid_request(1) | {"user": {"id": USER, "buyeruid": USER}, "ext": {"query": QUERY, "more": BODY}}
    for path, body in (
        ("/v2/auctions", {"auctions": [asked]}),
        ("/v2/auctions", {"auctions": [asked | {"slots": BODY}]}),
        ("/openrtb2/bid", bid),
        ("/openrtb2/bid", bid | {"imp": BODY}),
        ("/v2/events", impressions(BODY, tokens)),
        ("/v2/events", impressions(BODY, [tokens[0] + "x"])),
        (
            "/v2/events",
            {"clicks": [{"id": BODY, "resolvedBidId": tokens[0], "occurredAt": WHEN, "opaqueUserId": USER}]},
        ),
    ):
        server.ask("POST", path, body)
    for path in (f"/t/i/{tokens[0]}", f"/t/c/{tokens[0]}x", f"/t/l/{tokens[0]}?loss=1&price={BODY}", f"/{BODY}"):
        server.ask("GET", path)
    return tokens


def test_a_whole_run_logs_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of every kind, the last while the disk is full so that errors are logged: no planted word is there."""
    monkeypatch.setenv("ADCASCADE_SECRET", SECRET)
    make_catalog(tmp_path, campaigns=3)
    server = Process(tmp_path, SERVE)
    server.start()
    assert server.child is not None
    tokens = misuse(server)
    disk = LimitedProcess(server.child.pid)
    disk.fill()
    for number in range(200):
        if server.ask("POST", "/v2/events", impressions(f"{BODY}{number}", tokens[:1]))[0] == 503:
            break
    server.ask("GET", f"/t/i/{tokens[1]}")
    disk.free()
    logged = server.kill(15).decode()
    assert "the journal" in logged, "the run should have logged its errors"
    assert '"route": "/v2/events"' in logged
    for planted in (SECRET, USER, QUERY, BODY, *tokens, *(token[:24] for token in tokens)):
        assert planted not in logged
    assert server.child.returncode == 0
    assert os.environ["ADCASCADE_SECRET"] == SECRET
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
