"""How a fault gets into the test bidder: restrictions it forgets, its bid response changed, its answer changed."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conformance.bidder import Bidder, Wire, person_of
from tests.conformance.creatives import Document

Spoil = Callable[[Document, Document], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """rule: the one that must be found violated."""

    rule: str
    ignore: str = ""
    spoil: Spoil | None = None
    wire: Callable[[Wire], Wire | None] | None = None
    on_notice: int = 204

    def put_into(self, bidder: Bidder) -> None:
        """Break the bidder."""
        bidder.ignore = {self.ignore}
        bidder.on_notice = self.on_notice
        if self.spoil is not None:
            bidder.spoil = self.spoil
        if self.wire is not None:
            bidder.wire = self.wire


def bids_of(response: Document) -> list[Document]:
    """All bids."""
    return [bid for seat in response["seatbid"] for bid in seat["bid"]]


def top(**fields: Any) -> Spoil:
    """Fields of the response that has bids."""

    def spoil(_: Document, response: Document) -> None:
        if response["seatbid"]:
            response.update(fields)

    return spoil


def no_bid(**fields: Any) -> Spoil:
    """Fields of a response without bids."""

    def spoil(_: Document, response: Document) -> None:
        if not response["seatbid"]:
            response.update(fields)

    return spoil


def seats(**fields: Any) -> Spoil:
    """Fields of every seatbid."""

    def spoil(_: Document, response: Document) -> None:
        for seat in response["seatbid"]:
            seat.update(fields)

    return spoil


def bids(**fields: Any) -> Spoil:
    """Fields of every bid; None drops one."""

    def spoil(_: Document, response: Document) -> None:
        for bid in bids_of(response):
            for name, value in fields.items():
                bid.pop(name, None) if value is None else bid.update({name: value})

    return spoil


def only(field: str, spoil: Spoil) -> Spoil:
    """The same, where the request has a field."""
    return lambda request, response: spoil(request, response) if field in request else None


def unless(field: str, spoil: Spoil) -> Spoil:
    """The same, where the request lacks a field."""
    return lambda request, response: None if field in request else spoil(request, response)


def of_type(mtype: int, change: Callable[[Document], None]) -> Spoil:
    """A change of every bid of one markup type."""

    def spoil(_: Document, response: Document) -> None:
        for bid in bids_of(response):
            if bid["mtype"] == mtype:
                change(bid)

    return spoil


def markup(mtype: int, old: str, new: str) -> Spoil:
    """Markup of one type in which a pattern is replaced."""
    return of_type(mtype, lambda bid: bid.update(adm=re.sub(old, new, bid["adm"], flags=re.DOTALL)))


def native(change: Callable[[Document], None]) -> Spoil:
    """A change of every native answer."""

    def inside(bid: Document) -> None:
        answer = json.loads(bid["adm"])
        change(answer)
        bid["adm"] = json.dumps(answer)

    return of_type(4, inside)


def asset(kind: str, **fields: Any) -> Spoil:
    """Fields of every native asset of a kind."""

    def change(answer: Document) -> None:
        for each in answer["assets"]:
            if kind in each:
                each[kind].update(fields)

    return native(change)


def retitled(answer: Document) -> None:
    """Titles in place of data."""
    for each in answer["assets"]:
        if each.pop("data", None):
            each["title"] = {"text": "x"}


def headers(**fields: str) -> Callable[[Wire], Wire]:
    """Headers of every answer."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return lambda wire: (wire[0], {**wire[1], **named}, wire[2])


def when(status: int, change: Callable[[Wire], Wire | None]) -> Callable[[Wire], Wire | None]:
    """A change of the answers of one status."""
    return lambda wire: change(wire) if wire[0] == status else wire


def without(name: str) -> Callable[[Wire], Wire]:
    """Every answer without a header."""
    return lambda wire: (wire[0], {each: value for each, value in wire[1].items() if each != name}, wire[2])


def slow(wire: Wire) -> Wire:
    """Later than tmax; only answers with bids, so that a test stays short."""
    time.sleep(1.05)
    return wire


def once(change: Callable[[Wire], Wire | None]) -> Callable[[Wire], Wire | None]:
    """Only the first answer that has a body is changed: the others must not hide it."""
    left = [1]

    def wire(answer: Wire) -> Wire | None:
        if answer[0] == 200 and left:
            left.pop()
            return change(answer)
        return answer

    return wire


def twin(_: Document, response: Document) -> None:
    """A second bid with the first one's id."""
    for seat in response["seatbid"]:
        seat["bid"].append(dict(seat["bid"][0]))


def unoffered(request: Document, response: Document) -> None:
    """A kind of markup that the imp does not ask for."""
    imps = {imp["id"]: imp for imp in request["imp"]}
    for bid in bids_of(response):
        if "audio" not in imps[bid["impid"]]:
            bid["mtype"] = 3


def unkind(request: Document, response: Document) -> None:
    """No mtype where the imp offers several kinds."""
    imps = {imp["id"]: imp for imp in request["imp"]}
    for bid in bids_of(response):
        if "banner" in imps[bid["impid"]] and bid["mtype"] != 1:
            del bid["mtype"]


def telling(applies: Callable[[Document], Any]) -> Spoil:
    """The user's id in a cookie of the exchange, where a regime forbids it."""

    def spoil(request: Document, response: Document) -> None:
        if response["seatbid"] and applies(request):
            response["customdata"] = person_of(request)

    return spoil


def regs(request: Document) -> Document:
    """The regulations of a request, new and old places together."""
    found = request.get("regs", {})
    return {**found.get("ext", {}), **found}


def consent(request: Document) -> Any:
    """The consent string of a request."""
    user = request.get("user", {})
    return user.get("consent") or user.get("ext", {}).get("consent")


def other_deal(_: Document, response: Document) -> None:
    """A deal that nobody offered, in place of one that was."""
    for bid in bids_of(response):
        if "dealid" in bid:
            bid["dealid"] = "deal-of-somebody"


def size_of_formats(request: Document, response: Document) -> None:
    """No size where several are allowed."""
    several = {imp["id"] for imp in request["imp"] if len(imp.get("banner", {}).get("format", [])) > 1}
    for bid in bids_of(response):
        if bid["impid"] in several and bid["mtype"] == 1:
            bid.pop("w", None)


def script(_: Document, response: Document) -> None:
    """A script around the banner."""
    for bid in bids_of(response):
        if bid["mtype"] == 1:
            bid["adm"] += "<script>1</script>"
