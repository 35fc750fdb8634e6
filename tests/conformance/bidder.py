"""A small correct bidder over real HTTP, written against the specification and not against the suite.

It bids 2 USD for one advertiser on all kinds of ad. `ignore` names restrictions that it shall forget, `spoil` changes
its bid responses, `wire` its answers as they go out: so a test makes it wrong in exactly one way.
"""

import gzip
import json
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.conformance.creatives import Document, banner_html, native_json, vast_xml

PRICE, SEAT, DOMAIN, CATEGORY = 2.0, "seat-1", "brand.example", "IAB17-1"
RATES = {"USD": 1.0, "EUR": 0.9}
Wire = tuple[int, dict[str, str], bytes]


class RefusedError(Exception):
    """The request cannot be answered: the status says why."""


class Bidder:
    """What the server does. A fresh one is correct."""

    def __init__(self) -> None:
        self.url = ""
        self.reset()

    def reset(self) -> None:
        """Correct again."""
        self.ignore: set[str] = set()
        self.spoil: Callable[[Document, Document], None] = lambda request, response: None
        self.wire: Callable[[Wire], Wire | None] = lambda wire: wire
        self.on_notice = 204

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Wire:
        """Status, headers and body."""
        if path.startswith("/notice"):
            return self.on_notice, {}, b""
        try:
            request = self._read(method, headers, body)
            response = self._response(request)
        except RefusedError as refusal:
            return int(str(refusal)), {"x-openrtb-version": "2.6"}, b""
        told = {"x-openrtb-version": "2.6"}
        if response is None:
            return 204, told, b""
        self.spoil(request, response)
        content = json.dumps(response).encode()
        told["content-type"] = "application/json"
        if "gzip" in headers.get("accept-encoding", ""):
            content, told["content-encoding"] = gzip.compress(content), "gzip"
        return 200, told, content

    def heeds(self, restriction: str) -> bool:
        """Whether it was not told to forget this one."""
        return restriction not in self.ignore

    def _read(self, method: str, headers: Any, body: bytes) -> Document:
        if method != "POST" and self.heeds("method"):
            raise RefusedError(405)
        kind = headers.get("content-type", "application/json").lower()
        wrong = not kind.startswith("application/json") or ("charset" in kind and "utf-8" not in kind)
        if wrong and self.heeds("content-type"):
            raise RefusedError(415)
        try:
            body = self._unpacked(headers.get("content-encoding", ""), body)
        except (ValueError, zlib.error):
            raise RefusedError(400) from None
        try:
            request = json.loads(body.decode(), parse_constant=lambda name: refuse(400))
        except (ValueError, RecursionError):
            if self.heeds("json"):
                raise RefusedError(400) from None
            request = {"id": "?", "imp": [{"id": "1", "banner": {}}]}
        self._check(request)
        checked: Document = request
        return checked

    def _unpacked(self, encoding: str, body: bytes) -> bytes:
        if encoding == "gzip":
            unpacker = zlib.decompressobj(31)
            plain = unpacker.decompress(body, 1 << 20)
            if not unpacker.eof:
                raise ValueError("cut off, or too large")
            return plain
        if encoding and self.heeds("encoding"):
            raise RefusedError(415)
        return b'{"id": "?", "imp": [{"id": "1", "banner": {}}]}' if encoding else body

    def _check(self, request: Any) -> None:
        if not isinstance(request, dict):
            refuse(400)
        if self.heeds("request") and (
            not request.get("id") or not request.get("imp") or ("site" in request and "app" in request)
        ):
            refuse(400)
        request.setdefault("id", "?")
        request.setdefault("imp", [{"id": "1", "banner": {}}])
        imps = request["imp"] if isinstance(request["imp"], list) else []
        names = [imp.get("id") for imp in imps if isinstance(imp, dict)]
        typed = isinstance(request["id"], str) and 0 < len(imps) == len(names) <= 100
        if self.heeds("type") and not (typed and all(isinstance(name, str | None) for name in names)):
            refuse(400)
        strings = [name for name in names if isinstance(name, str)]
        if self.heeds("imp") and (None in names or len(set(strings)) < len(strings)):
            refuse(400)

    def _response(self, request: Document) -> Document | None:
        if not self._may_bid(request):
            return None
        imps = request["imp"] if isinstance(request["imp"], list) else [{"id": "1", "banner": {}}]
        bids = [self._bid(request, imp, place) for place, imp in enumerate(imps) if isinstance(imp, dict)]
        found = [bid for bid in bids if bid is not None]
        if not found:
            return {"id": request["id"], "seatbid": [], "nbr": 2}
        return {
            "id": request["id"],
            "bidid": "response-1",
            "cur": "USD",
            "seatbid": [{"seat": SEAT, "group": 0, "bid": found}],
        }

    def _may_bid(self, request: Document) -> bool:
        checks = {
            "cur": "USD" in (request.get("cur") or ["USD"]),
            "wseat": SEAT in (request.get("wseat") or [SEAT]),
            "bseat": SEAT not in request.get("bseat", []),
            "badv": DOMAIN not in [each.lower() for each in request.get("badv", [])],
            "bcat": not {"IAB17", CATEGORY} & set(request.get("bcat", [])),
            "acat": bool({"IAB17", CATEGORY} & set(request.get("acat") or [CATEGORY])),
            "wlang": "en" in (request.get("wlang") or ["en"]),
        }
        return all(holds or not self.heeds(name) for name, holds in checks.items())

    def _bid(self, request: Document, imp: Document, place: int) -> Document | None:
        terms = self._terms(imp)
        kind = next((each for each in ("video", "audio", "native", "banner") if each in imp), None)
        if terms is None or (kind is None and self.heeds("imp")):
            return None
        kind = kind or "banner"
        wanted = imp.get(kind) or {}
        secure = imp.get("secure") == 1
        base = "https://bidder.example" if secure else self.url
        person = "" if self._silent(request) and self.heeds("privacy") else person_of(request)
        pixel = f"{base}/notice/pixel?price=${{AUCTION_PRICE}}&user={person}"
        filled = self._filled(kind, wanted, pixel)
        if filled is None or (5 in wanted.get("battr", []) and self.heeds("battr")):
            return None
        notices = {} if secure else {name: f"{base}/notice/{name}?p=${{AUCTION_PRICE}}" for name in ("nurl", "burl")}
        return {
            "id": f"bid-{place}", "impid": imp.get("id", "1"), "price": PRICE,
            "adomain": [DOMAIN], "cat": [CATEGORY], "attr": [5],
            "cid": "campaign-1", "crid": "creative-1", "language": "en", "exp": 300,
            "lurl": f"{base}/notice/lurl?why=${{AUCTION_LOSS}}", **notices, **terms, **filled,
        }  # fmt: skip

    def _terms(self, imp: Document) -> Document | None:
        """The deal, if any; None where the price does not reach the floor."""
        market = imp.get("pmp") or {}
        for deal in market.get("deals", []):
            currency = deal.get("bidfloorcur", imp.get("bidfloorcur", "USD"))
            fits = {
                "deal-floor": self._reaches(deal.get("bidfloor", 0), currency),
                "deal-wseat": SEAT in (deal.get("wseat") or [SEAT]),
                "deal-wadomain": DOMAIN in (deal.get("wadomain") or [DOMAIN]),
            }
            if all(holds or not self.heeds(name) for name, holds in fits.items()):
                return {"dealid": deal["id"]}
        if market.get("private_auction") == 1 and self.heeds("private"):
            return None
        floor = self._reaches(imp.get("bidfloor", 0), imp.get("bidfloorcur", "USD"))
        return {} if floor or not self.heeds("floor") else None

    @staticmethod
    def _reaches(floor: object, currency: str) -> bool:
        rate = RATES.get(currency)
        return isinstance(floor, int | float) and (not floor or (rate is not None and floor <= PRICE * rate))

    def _filled(self, kind: str, wanted: Document, pixel: str) -> Document | None:
        match kind:
            case "banner":
                formats = wanted.get("format") or [wanted]
                size = {side: formats[0][side] for side in ("w", "h") if side in formats[0]}
                return {"mtype": 1, "adm": banner_html(pixel), **size}
            case "native":
                answer = native_json(wanted, pixel)
                return None if answer is None else {"mtype": 4, "adm": answer}
            case _:
                made = vast_xml(kind, wanted, pixel)
                return None if made is None else {"mtype": 2 if kind == "video" else 3, **made}

    @staticmethod
    def _silent(request: Document) -> bool:
        regs, user, device = (request.get(name) or {} for name in ("regs", "user", "device"))
        old, told = regs.get("ext") or {}, user.get("consent") or (user.get("ext") or {}).get("consent")
        sale = regs.get("us_privacy") or old.get("us_privacy") or ""
        return bool(
            regs.get("coppa") or (1 in (regs.get("gdpr"), old.get("gdpr")) and not told) or sale[2:3] == "Y"
            or old.get("gpc") or regs.get("gpp") or device.get("dnt") or device.get("lmt")
        )  # fmt: skip


def refuse(status: int) -> Any:
    """No bid for this."""
    raise RefusedError(status)


def person_of(request: Document) -> str:
    """The id that the exchange has for the user."""
    return (request.get("user") or {}).get("id") or ""


class Handler(BaseHTTPRequestHandler):
    """HTTP in front of a bidder."""

    protocol_version = "HTTP/1.1"
    bidder: Bidder
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet an answer

    def handle_any(self) -> None:
        """Any method."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        wire = self.bidder.wire(self.bidder.answer(self.command, self.path, self.headers, body))
        if wire is None:
            self.close_connection = True
            return
        status, headers, content = wire
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204 or content:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do_TRACE = handle_any  # noqa: N815  names that the library calls

    def log_message(self, *arguments: object) -> None:
        """Silence."""


class Server(ThreadingHTTPServer):
    """Threads end with their connections, and the server waits for them."""

    daemon_threads = False
    block_on_close = True

    def handle_error(self, *arguments: object) -> None:
        """A client that hung up is no error here."""


def serve(bidder: Bidder) -> tuple[Server, threading.Thread]:
    """A running server of this bidder, at a free port; its URL is put into the bidder."""
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"bidder": bidder}))
    bidder.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    return server, thread
