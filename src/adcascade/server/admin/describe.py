"""The admin API in the description of the HTTP API."""

from collections.abc import Mapping
from typing import Any

from adcascade.access.keys import Key
from adcascade.catalog.audit import AuditLine
from adcascade.catalog.kinds import NOUN_OF
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign
from adcascade.money.audit import Difference
from adcascade.money.statement import Statement
from adcascade.money.tables import Entry
from adcascade.server.admin.app import BASE
from adcascade.server.admin.catalog import FILTERS, Batch, Offers, StatusAsked
from adcascade.server.admin.keys import KeyAsked
from adcascade.server.admin.money import TransferAsked, TransferTold, WalletTold
from adcascade.server.problems import Problem

Part = dict[str, Any]

CATALOG = (Advertiser, Campaign, AdGroup, Ad, Batch, StatusAsked, Offers, AuditLine)
MONEY = (WalletTold, Statement, TransferAsked, TransferTold, Entry, Difference)
BODIES = (*CATALOG, *MONEY, Key, KeyAsked)
SCHEME: Part = {"key": {"type": "http", "scheme": "bearer", "description": "A key of `adcascade key create`."}}
REFUSALS = {
    "400": "The request cannot be used; the body names the field.",
    "401": "No key in force.",
    "403": "The key does not allow this.",
    "404": "There is no such thing, or the key may not see it.",
    "412": "Another write came first; nothing of this one was kept.",
    "413": "The body is larger than the server takes.",
    "415": "The body is no JSON.",
    "429": "Too many calls or failures; `retry-after` says how long to wait.",
    "503": "The database refuses; nothing of the request was kept.",
}
ALWAYS = ("400", "401", "403", "429", "503")
VERSION_HEADER: Part = {"etag": {"description": "The noun's version.", "schema": {"type": "string"}}}


_AFTER = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in ("after", "limit")]


def admin_paths() -> Part:
    """All paths below /admin/v1."""
    paths = _nouns() | _bulk() | _logs() | _keys() | _money()
    return {f"{BASE}{path}": {verb: _guarded(part) for verb, part in verbs.items()} for path, verbs in paths.items()}


def _nouns() -> Part:
    paths: Part = {}
    for kind, noun in NOUN_OF.items():
        words = kind.replace("_", " ")
        stored = _stored(noun)
        paths[f"/{kind}"] = {
            "get": _operation(
                f"Page of {words}",
                "In order of `sort`; `next` is what to pass as `after` for the page behind, empty on the last.",
                {"200": ("One page.", _page(stored))},
                parameters=[*map(_query, (*FILTERS, "sort", "after", "count")), _query("limit", "integer")],
            )
        }
        verbs = {
            "get": _operation(
                f"One of the {words}", "With its version as ETag.", {"200": ("The noun.", stored)}, "404", etag=True
            ),
            "put": _operation(
                f"Create or replace one of the {words}",
                "`if-match` names the version that you saw, `if-none-match: *` says that it must not be there yet.",
                {"200": ("Replaced.", stored), "201": ("Created.", stored)},
                *("404", "412", "413", "415"),
                body=_ref(noun),
                etag=True,
                parameters=[_header("if-match"), _header("if-none-match")],
            ),
            "patch": _operation(
                f"Change some fields of one of the {words}",
                "A JSON merge patch (RFC 7396): null takes a field back to its default.",
                {"200": ("The noun as it is now.", stored)},
                *("404", "412", "413", "415"),
                body={"type": "object"},
                etag=True,
                parameters=[_header("if-match")],
            ),
        }
        if kind == "ads":
            verbs["delete"] = _operation(
                "Remove an ad for good",
                "End or pause campaigns instead.",
                {"204": ("Removed.", None)},
                "404",
                "412",
                parameters=[_header("if-match")],
            )
        paths[f"/{kind}/{{id}}"] = verbs
        for part in verbs.values():
            part["parameters"] = [_path("id"), *part.get("parameters", ())]
        paths[f"/history/{kind}/{{id}}"] = {
            "get": _operation(
                f"What was done to one of the {words}",
                "Oldest first.",
                {"200": ("Lines.", _items(_ref(AuditLine)))},
                "404",
                parameters=[_path("id"), *_AFTER],
            )
        }
    return paths


def _bulk() -> Part:
    version = {"type": "object", "properties": {"version": {"type": "integer"}}, "required": ["version"]}
    done = {"200": ("All of it was put; the catalog's new version.", version)}
    return {
        "/batch": {"post": _operation("Put many nouns", "All or none.", done, "413", "415", body=_ref(Batch))},
        "/status": {
            "post": _operation("Pause, end or resume many", "All or none.", done, "413", "415", body=_ref(StatusAsked))
        },
        "/offers": {
            "post": _operation(
                "Stock, price and margin of many ads",
                "A shop's feed. What is out of stock is advertised no more within a second.",
                done,
                "413",
                "415",
                body=_ref(Offers),
            )
        },
    }


def _logs() -> Part:
    return {
        "/audit": {
            "get": _operation(
                "What was done by anybody",
                "Oldest first.",
                {"200": ("Lines.", _items(_ref(AuditLine)))},
                parameters=[*_AFTER],
            )
        }
    }


def _keys() -> Part:
    return {
        "/me": {"get": _operation("The key that calls", "Any key may ask.", {"200": ("The key.", _ref(Key))})},
        "/keys": {
            "get": _operation("All keys", "Without their secrets.", {"200": ("Keys.", _items(_ref(Key)))}),
            "post": _operation(
                "A new key",
                "Its text is told in `key`, this once.",
                {"201": ("The key.", {"allOf": [_ref(Key), _shown()]})},
                "413",
                "415",
                body=_ref(KeyAsked),
            ),
        },
        "/keys/{id}": {
            "delete": _operation(
                "Revoke a key",
                "It opens nothing from the next request on.",
                {"200": ("The key as it is now.", _ref(Key))},
                "404",
                parameters=[_path("id")],
            )
        },
    }


def _money() -> Part:
    advertiser = _path("advertiser")
    statement = {"allOf": [_ref(Statement), {"type": "object", "properties": {"date": {"type": "string"}}}]}
    booking = {"allOf": [_ref(Entry), {"type": "object", "properties": {"number": {"type": "integer"}}}]}
    verified: Part = {
        "type": "object",
        "properties": {"balanced": {"type": "boolean"}, "differences": {"type": "array", "items": _ref(Difference)}},
        "required": ["balanced", "differences"],
    }
    return {
        "/wallets/{advertiser}": {
            "get": _operation(
                "What is free in a wallet",
                "Neither charged nor promised; below zero where an advertiser that is billed afterwards owes.",
                {"200": ("Micros.", _ref(WalletTold))},
                "404",
                parameters=[advertiser],
            )
        },
        "/statements/{advertiser}": {
            "get": _operation(
                "Statements by day",
                "One a day of the advertiser's own zone, `from` to `to` as 2026-03-31; without them the last week.",
                {"200": ("Statements.", _items(statement))},
                "404",
                parameters=[advertiser, _query("from"), _query("to")],
            )
        },
        "/transfers": {
            "post": _operation(
                "Top up, pay out or refund",
                "An id is taken once for life: send the same order again with every retry.",
                {"200": ("Accepted, or a duplicate.", _ref(TransferTold))},
                "404",
                "413",
                "415",
                body=_ref(TransferAsked),
            )
        },
        "/bookings": {
            "get": _operation(
                "Bookings of the ledger",
                "In order; each names the event or the order that caused it.",
                {"200": ("Bookings.", _items(booking))},
                parameters=[_query("advertiser"), _query("bid"), *_AFTER],
            )
        },
        "/ledger": {
            "get": _operation(
                "Verify the ledger",
                "Every balance is recomputed from the bookings.",
                {"200": ("What differs; nothing, unless something is wrong.", verified)},
            )
        },
    }


def _operation(
    summary: str,
    text: str,
    answers: Mapping[str, tuple[str, Part | None]],
    *refusals: str,
    body: Part | None = None,
    parameters: list[Part] | None = None,
    etag: bool = False,
) -> Part:
    responses: Part = {}
    for status, (what, shape) in answers.items():
        responses[status] = {"description": what} | ({} if shape is None else {"content": _json(shape)})
        if etag:
            responses[status]["headers"] = VERSION_HEADER
    for status in sorted({*ALWAYS, *refusals}):
        responses[status] = {"description": REFUSALS[status], "content": _json(_ref(Problem))}
    operation: Part = {"summary": summary, "description": text, "responses": responses}
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation


def _guarded(part: Part) -> Part:
    return part | {"security": [{"key": []}]}


def _ref(shape: type) -> Part:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _stored(shape: type) -> Part:
    version = {"type": "object", "properties": {"version": {"type": "integer"}}, "required": ["version"]}
    return {"allOf": [_ref(shape), version]}


def _shown() -> Part:
    return {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}


def _items(shape: Part) -> Part:
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": shape}},
        "required": ["items"],
    }


def _page(shape: Part) -> Part:
    page = _items(shape)
    page["properties"] |= {"next": {"type": "string"}, "total": {"type": ["integer", "null"]}}
    return page | {"required": ["items", "next", "total"]}


def _json(shape: Part) -> Part:
    return {"application/json": {"schema": shape}}


def _path(name: str) -> Part:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(name: str, kind: str = "string") -> Part:
    return {"name": name, "in": "query", "schema": {"type": kind}}


def _header(name: str) -> Part:
    return {"name": name, "in": "header", "schema": {"type": "string"}}
