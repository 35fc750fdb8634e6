"""Trial: one request with its answer, both decoded as far as they can be; and each bid beside its imp."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from adcascade.conformance.probe import Probe, Reply
from adcascade.conformance.reading import (
    AmbiguousError,
    Document,
    MalformedError,
    child,
    decode,
    objects,
    text,
    unpacked,
    whole,
)

Media = Literal["banner", "video", "audio", "native"]
MEDIA: dict[int, Media] = {1: "banner", 2: "video", 3: "audio", 4: "native"}  # values of `mtype`


class Finding(NamedTuple):
    """A rule is violated: where in the answer, by which value, and how."""

    path: str
    value: object
    says: str


Outcome = Finding | None  # None: the rule was checked here, and holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A bid in its context: path in the answer, seat, the imp it names (None: no such imp), currency."""

    bid: Document
    path: str
    seat: str | None
    imp: Document | None
    currency: str

    def found(self, field: str, says: str) -> Finding:
        """A violation at a field of this bid."""
        return Finding(f"{self.path}.{field}", self.bid.get(field), says)

    @property
    def offered(self) -> list[Media]:
        """The kinds of ad that the imp asks for."""
        return [media for media in MEDIA.values() if child(self.imp, media) is not None]

    @property
    def media(self) -> Media | None:
        """The kind of this bid's markup: `mtype`, or the only kind that the imp asks for; None: unknown."""
        offered, mtype = self.offered, whole(self.bid, "mtype")
        if mtype is not None:
            media = MEDIA.get(mtype)
            return media if media in offered else None
        return offered[0] if len(offered) == 1 else None

    @property
    def wanted(self) -> Document | None:
        """The imp's banner, video, audio or native object that this bid answers."""
        return None if self.media is None else child(self.imp, self.media)

    @property
    def adm(self) -> str | None:
        """The markup, unless it is empty."""
        return text(self.bid, "adm") or None


class Trial:
    """A probe and its reply."""

    def __init__(self, probe: Probe, reply: Reply) -> None:
        self.probe, self.reply = probe, reply

    @cached_property
    def _request(self) -> tuple[Document | None, bool]:
        """The decoded request (None: decoders differ about it, or it is no object), and whether it is no JSON."""
        try:
            found = decode(unpacked(self.probe.body, self.probe.headers.get("content-encoding")))
        except MalformedError:
            return None, True
        except AmbiguousError:
            return None, False
        return (found, False) if isinstance(found, dict) else (None, True)

    @property
    def request(self) -> Document | None:
        """The bid request, where every decoder would read the same."""
        return self._request[0]

    @property
    def malformed(self) -> bool:
        """Whether the request is certainly no JSON object in UTF-8."""
        return self._request[1]

    @cached_property
    def content(self) -> bytes | str:
        """The answer's body without its encoding; a sentence where that cannot be undone."""
        try:
            return unpacked(self.reply.body, self.reply.headers.get("content-encoding"))
        except MalformedError as error:
            return str(error)

    @cached_property
    def response(self) -> Document | str:
        """The bid response; a sentence where the body is none."""
        if isinstance(self.content, str):
            return self.content
        try:
            found = decode(self.content)
        except (MalformedError, AmbiguousError) as error:
            return str(error)
        return found if isinstance(found, dict) else "the body is no JSON object"

    @property
    def answers(self) -> bool:
        """Whether this is an answer to a bid request, with a body: status 200."""
        return self.probe.kind in ("valid", "mutated", "invalid") and self.reply.status == 200

    @property
    def bid_response(self) -> Document | None:
        """The bid response of a 200, if it can be read."""
        return self.response if self.answers and isinstance(self.response, dict) else None

    @property
    def seats(self) -> list[tuple[str, Document]]:
        """Every seatbid with its path."""
        return [(f"seatbid[{place}]", each) for place, each in enumerate(objects(self.bid_response, "seatbid"))]

    @property
    def bids(self) -> int:
        """How many bids came back."""
        return sum(len(objects(seatbid, "bid")) for _, seatbid in self.seats)

    @cached_property
    def offers(self) -> list[Offer]:
        """Every bid that is worth judging: not one on a request that had to be refused."""
        if self.probe.flaw:
            return []
        currency = text(self.bid_response, "cur") or "USD"
        imps = {text(imp, "id"): imp for imp in objects(self.request, "imp")}
        return [
            Offer(
                bid=bid,
                path=f"{path}.bid[{place}]",
                seat=text(seatbid, "seat"),
                imp=imps.get(text(bid, "impid") or ""),
                currency=currency,
            )
            for path, seatbid in self.seats
            for place, bid in enumerate(objects(seatbid, "bid"))
        ]
