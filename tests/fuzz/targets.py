"""What is fuzzed: each target takes any bytes and returns, or raises an AdcascadeError that is the caller's fault.

Anything else that comes out of a target is a finding: another exception, an error of ours (status 500 or above), an
answer that is not what was asked for. Behind the decoders stands the small honest engine of the server's tests, so
that what was decoded is also checked, translated, answered and written out.
"""

import json
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import msgspec
from tests.server.shop import NOW, OPTIONS, Shop, record_of

from adcascade.cascade.answer import EventReceipt, IncomingEvent
from adcascade.cascade.overload import Ladder
from adcascade.errors import AdcascadeError, SignatureError
from adcascade.events.journal import Journal
from adcascade.server.admission import Admission
from adcascade.server.body import gunzip
from adcascade.server.metrics import Metrics
from adcascade.server.openrtb.endpoint import BidEndpoint
from adcascade.server.problems import problem_json, status_of
from adcascade.server.reply import gzipped
from adcascade.server.retail.auctions import AuctionsEndpoint
from adcascade.server.retail.events import EventsEndpoint

Target = Callable[[bytes], None]
T = TypeVar("T")

STORIES = Path(__file__).parent.parent / "stories"
FULL = Path(__file__).parent / "full.json"  # a bid request with a field of every kind
SCRATCH = TemporaryDirectory(prefix="adcascade-fuzz-")  # of the journal, which stays empty


class Strict(Metrics):
    """Metrics that do not count a surprise but raise: the endpoints would answer it politely otherwise."""

    def failed(self, route: str) -> None:
        """Something raised what nobody expected."""
        raise AssertionError(f"{route} met its last resort")


class Quick(Shop):
    """The shop, whose log encodes every record as it would for the disk, and forgets it."""

    async def accept(self, events: Sequence[IncomingEvent]) -> list[EventReceipt]:
        """Forged ones are rejected, the rest could be written."""
        told = []
        for event in events:
            try:
                bid_id = self.signer.open(event.token, self.now(), late=True).bid_id
            except SignatureError as error:
                told.append(EventReceipt(id=event.id, status="rejected", reason=str(error)))
            else:
                msgspec.msgpack.encode(record_of(event, bid_id))
                told.append(EventReceipt(id=event.id, status="accepted"))
        return told


SHOP = Quick(Journal(Path(SCRATCH.name) / "journal.db"))
ADMISSION = Admission(SHOP, Ladder())
NUMBERS = count()
BIDS = BidEndpoint(ADMISSION, OPTIONS, Strict(), lambda: NOW, lambda: f"r{next(NUMBERS)}")
AUCTIONS = AuctionsEndpoint(ADMISSION, OPTIONS, Strict(), lambda: NOW, lambda: f"r{next(NUMBERS)}")
EVENTS = EventsEndpoint(SHOP, OPTIONS, Strict(), lambda: NOW)


def done(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waited for something")


def refused(error: AdcascadeError) -> None:
    """The caller's fault, told in JSON."""
    assert status_of(error) < 500, repr(error)
    assert json.loads(problem_json(error))["error"]["field"]


def openrtb(body: bytes) -> None:
    """POST /openrtb2/bid: every bid is for an imp that was asked for, at a finite price, with markup of its type."""
    SHOP.asked.clear()
    try:
        reply = done(BIDS({}, body))
    except AdcascadeError as error:
        return refused(error)
    assert reply.status in (200, 204)
    if reply.status == 200:
        asked = {slot.id for slot in SHOP.asked[-1].slots}
        bids = [bid for seat in json.loads(reply.body)["seatbid"] for bid in seat["bid"]]
        assert bids
        for bid in bids:
            assert bid["impid"] in asked
            assert 0 < bid["price"] < 1e9
            assert bid["mtype"] != 4 or json.loads(bid["adm"])
    return None


def auctions(body: bytes) -> None:
    """POST /v2/auctions: as many results as auctions, none of them failed."""
    SHOP.asked.clear()
    try:
        reply = done(AUCTIONS({}, body))
    except AdcascadeError as error:
        return refused(error)
    results = json.loads(reply.body)["results"]
    assert len(results) == len(SHOP.asked) >= 1
    assert not any(result["error"] for result in results)
    return None


def events(body: bytes) -> None:
    """POST /v2/events: each receipt says one of three words."""
    try:
        reply = done(EVENTS({}, body))
    except AdcascadeError as error:
        return refused(error)
    told = json.loads(reply.body)
    assert {each["status"] for kind in told.values() for each in kind} <= {"accepted", "duplicate", "rejected"}
    return None


def token(text: bytes) -> None:
    """The signed token of a tracking URL: opened or refused, whatever the letters."""
    try:
        SHOP.signer.open(text.decode("utf-8", "surrogateescape"), NOW)
    except AdcascadeError as error:
        refused(error)


def packed(body: bytes) -> None:
    """A gzipped body: never more than was allowed."""
    try:
        assert len(gunzip(body, 4096)) <= 4096
    except AdcascadeError as error:
        refused(error)


class Fuzzed(NamedTuple):
    """A target with inputs to begin with. structured: they are JSON."""

    run: Target
    seeds: Sequence[bytes]
    structured: bool = True


def stories(name: str, path: str) -> list[bytes]:
    """The bodies of the written stories that go to a path."""
    told = json.loads((STORIES / f"{name}.json").read_text("utf-8"))
    return [
        json.dumps(s["request"]["json"]).encode()
        for s in told
        if s["request"]["path"] == path and "json" in s["request"]
    ]


def sealed() -> str:
    """A token as it travels, valid at the time of the tests."""
    body = b'{"auctions": [{"type": "listings", "slots": 1}]}'
    told: str = json.loads(done(AUCTIONS({}, body)).body)["results"][0]["winners"][0]["resolvedBidId"]
    return told


def reports() -> list[bytes]:
    """Bodies of events with a valid token."""
    seen = {"id": "e", "resolvedBidId": sealed(), "occurredAt": "2025-06-15T15:06:40Z"}
    item = {"productId": "p", "quantity": 2, "unitPrice": 19.99, "resolvedBidId": sealed()}
    bought = {"id": "o", "occurredAt": "2025-06-15T15:06:40+02:00", "items": [item]}
    return [json.dumps(body).encode() for body in ({"impressions": [seen], "clicks": [seen]}, {"purchases": [bought]})]


TARGETS: dict[str, Fuzzed] = {
    "openrtb": Fuzzed(openrtb, [FULL.read_bytes(), *stories("openrtb", "/openrtb2/bid")]),
    "auctions": Fuzzed(auctions, stories("retail", "/v2/auctions")),
    "events": Fuzzed(events, reports()),
    "token": Fuzzed(token, [sealed().encode()], structured=False),
    "gzip": Fuzzed(packed, [gzipped(b"{}" * 9), gzipped(b"") + gzipped(bytes(4096))], structured=False),
}
