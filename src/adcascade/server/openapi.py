"""The description of the HTTP API (OpenAPI 3.1), built from the structs that decode and encode it.

`python -m adcascade.server.openapi` writes docs/http.md from it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from adcascade import __version__
from adcascade.server.admin.describe import BODIES as ADMIN_BODIES
from adcascade.server.admin.describe import SCHEME, admin_paths
from adcascade.server.markdown import page
from adcascade.server.openrtb.endpoint import RefusedRequest
from adcascade.server.openrtb.objects import BidRequest, BidResponse
from adcascade.server.problems import Problem
from adcascade.server.retail.objects import AuctionsAsked, EventsTold, ReceiptsTold, ResultsTold

BODIES = (BidRequest, BidResponse, RefusedRequest, AuctionsAsked, ResultsTold, EventsTold, ReceiptsTold, Problem)
PAGE = Path("docs/http.md")

Part = dict[str, Any]

REFUSALS = {
    "400": "The request cannot be used; the body names the field.",
    "413": "The body is larger than the server takes.",
    "415": "The body is no JSON in UTF-8, or its content-encoding is neither gzip nor identity.",
    "503": "The disk refuses; nothing of the request was taken. Send it again with the same ids.",
}

INSIDE = {
    "401": "Without a key, where `access.status` asks for one.",
    "403": "The key does not allow this.",
    "429": "Too many calls or failures; `retry-after` says how long to wait.",
}


def description() -> Part:
    """The whole description, ready for JSON."""
    _, schemas = msgspec.json.schema_components((*BODIES, *ADMIN_BODIES), ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "adcascade",
            "version": __version__,
            "description": "Ads for exchanges (OpenRTB 2.6) and for a shop's own pages (JSON).",
        },
        "paths": _bodies() | _tracking() | _pages() | admin_paths(),
        "components": {"schemas": schemas, "securitySchemes": SCHEME},
    }


def _bodies() -> Part:
    return {
        "/openrtb2/bid": _post(
            "Bid on an exchange's request",
            "OpenRTB 2.6 with banner, video and native; docs/openrtb.md says what is read. Whatever goes wrong on our "
            "side is a 204, since the exchange waits; so is, under overload, a late request, right or wrong, for it is "
            "not read any more. "
            "Bodies may be gzipped; answers are where `accept-encoding` allows it.",
            BidRequest,
            {"200": ("Bids.", BidResponse), "204": ("No bid.", None), "400": (REFUSALS["400"], RefusedRequest)}
            | {"413": (REFUSALS["413"], RefusedRequest)},
        ),
        "/v2/auctions": _post(
            "Fill the slots of a page",
            "Each auction of the body is answered in its place; one that failed says `error: true`.",
            AuctionsAsked,
            {"200": ("Winners by auction, best slot first.", ResultsTold)} | _refusals("400", "413", "415"),
        ),
        "/v2/events": _post(
            "Report what shoppers did",
            "Events are taken once by id, however often they are sent, and may come late. A receipt that says "
            "`accepted` or `duplicate` means that the event is on disk.",
            EventsTold,
            {"200": ("One receipt an event.", ReceiptsTold)} | _refusals("400", "413", "415", "503"),
        ),
    }


def _tracking() -> Part:
    answers = {
        "/t/i/{token}": (
            "Impression pixel",
            "Counts the impression once, then answers.",
            "200",
            "A transparent GIF.",
            "image/gif",
        ),
        "/t/v/{token}": (
            "Viewable impression",
            "Counts it once, then answers.",
            "200",
            "A transparent GIF.",
            "image/gif",
        ),
        "/t/c/{token}": (
            "Click",
            "Counts the click once, then leads on.",
            "302",
            "To the ad's page, from the catalog.",
            "",
        ),
        "/t/b/{token}": ("Billing notice (`burl`)", "The same impression as the pixel's.", "204", "Counted.", ""),
        "/t/w/{token}": ("Win notice (`nurl`)", "Logged and counted; nothing is charged.", "204", "Counted.", ""),
        "/t/l/{token}": (
            "Loss notice (`lurl`)",
            "Logged, counted by its reason; frees the money.",
            "204",
            "Counted.",
            "",
        ),
        "/t/e/{token}": ("Error of a video player", "Logged, and counted by its code.", "204", "Counted.", ""),
    }
    paths = {path: _get(*answer, token=True) for path, answer in answers.items()}
    paths["/t/c/{token}"]["get"]["responses"]["404"] = _answer("Counted, but the ad has no page to lead to.", Problem)
    return paths


def _pages() -> Part:
    pages = {
        "/health": _get("Liveness", "The process answers.", "200", "Always."),
        "/ready": _get("Readiness", "503 with a sentence while requests cannot be filled.", "200", "Ready."),
        "/alarms": _get("Alarms", "What is wrong now, each with a sentence and a remedy.", "200", "JSON."),
        "/metrics": _get("Metrics", "Prometheus text.", "200", "All counters and histograms.", "text/plain"),
        "/openapi.json": _get("This description", "OpenAPI 3.1.", "200", "JSON."),
        "/adcascade.js": _get(
            "Script", "Measures viewability in pages and iframes.", "200", "JavaScript.", "text/javascript"
        ),
        "/status.json": _get("Status", "What the page at `/status` shows.", "200", "JSON."),
    }
    unready = {"description": "Not ready, and why.", "content": {"application/json": {}}}
    pages["/ready"]["get"]["responses"]["503"] = unready
    for path in ("/alarms", "/metrics", "/status.json"):
        pages[path]["get"]["responses"] |= {status: _answer(what, Problem) for status, what in INSIDE.items()}
    return pages


def _post(summary: str, text: str, body: type, answers: Mapping[str, tuple[str, type | None]]) -> Part:
    return {
        "post": {
            "summary": summary,
            "description": text,
            "requestBody": {"required": True, "content": _json(body)},
            "responses": {status: _answer(what, shape) for status, (what, shape) in answers.items()},
        }
    }


def _get(
    summary: str, text: str, status: str, what: str, media: str = "application/json", *, token: bool = False
) -> Part:
    answer: Part = {"description": what} | ({"content": {media: {}}} if media else {})
    operation: Part = {"summary": summary, "description": text, "responses": {status: answer}}
    if token:
        operation["parameters"] = [{"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}]
        operation["responses"] |= {
            "400": _answer("The token is forged, damaged or expired.", Problem),
            "503": _answer(REFUSALS["503"], Problem),
        }
    return {"get": operation}


def _refusals(*statuses: str) -> dict[str, tuple[str, type | None]]:
    return {status: (REFUSALS[status], Problem) for status in statuses}


def _answer(what: str, shape: type | None) -> Part:
    return {"description": what} | ({} if shape is None else {"content": _json(shape)})


def _json(shape: type) -> Part:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}


if __name__ == "__main__":
    PAGE.write_text(page(description()), "utf-8")
