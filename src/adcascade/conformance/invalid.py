"""Requests that no bidder may bid on: not JSON, not complete, not what the headers say."""

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from adcascade.conformance.probe import JSON_HEADERS, Probe

IMP: Mapping[str, Any] = {"id": "1", "banner": {"w": 300, "h": 250}}
REQUEST: Mapping[str, Any] = {"id": "conform-invalid", "at": 1, "tmax": 1000, "imp": [IMP]}
GOOD = json.dumps(REQUEST).encode()
DEPTH = 100_000  # levels
GIANT = 2 << 20  # bytes
BOMB = 64 << 20  # bytes after gunzip


@cache
def invalid() -> tuple[Probe, ...]:
    """All of them, in order."""
    return (*_no_json(), *_incomplete(), *_mistyped(), *_transport(), *_extreme())


def _probe(name: str, about: str, body: bytes, flaw: str, headers: Mapping[str, str] = JSON_HEADERS) -> Probe:
    return Probe(name=f"invalid-{name}", about=about, kind="invalid", body=body, flaw=flaw, headers=headers)


def _no_json() -> Iterator[Probe]:
    """Section 2.1: a malformed or corrupt payload."""
    bodies = {
        "empty": ("an empty body", b""),
        "words": ("words", b"hello, bidder"),
        "form": ("a form", b"id=1&imp=1"),
        "truncated": ("a request cut off in the middle", GOOD[: len(GOOD) // 2]),
        "trailing": ("a second request behind the first", GOOD + GOOD),
        "array": ("an array", b"[" + GOOD + b"]"),
        "string": ("a string", json.dumps(GOOD.decode()).encode()),
        "null": ("null", b"null"),
        "nan": ("NaN for a floor", GOOD.replace(b'"id": "1"', b'"id": "1", "bidfloor": NaN')),
        "infinity": ("Infinity for a floor", GOOD.replace(b'"id": "1"', b'"id": "1", "bidfloor": Infinity')),
        "comment": ("a comment", GOOD.replace(b"{", b"/* hi */ {", 1)),
        "single-quotes": ("single quotes", GOOD.replace(b'"', b"'")),
        "comma": ("a comma too many", GOOD.replace(b"}]}", b"}],}")),
        "latin-1": ("text in Latin-1", json.dumps({**REQUEST, "id": "é"}, ensure_ascii=False).encode("latin-1")),
        "utf-16": ("UTF-16", GOOD.decode().encode("utf-16")),
        "deep": ("a hundred thousand arrays", b"[" * DEPTH),
    }
    for name, (about, body) in bodies.items():
        yield _probe(name, about, body, "refusal.json")


def _incomplete() -> Iterator[Probe]:
    """Sections 3.2.1 and 3.2.4: what is required is absent, or contradicts itself."""
    request: dict[str, tuple[str, Mapping[str, Any]]] = {
        "no-id": ("no id", {"id": None}),
        "no-imp": ("no imp", {"imp": None}),
        "empty-imp": ("an empty array of imps", {"imp": []}),
        "site-and-app": ("site and app at once", {"site": {"id": "s"}, "app": {"id": "a"}}),
    }
    imps = {
        "imp-no-id": ("an imp without id", [{"banner": {"w": 300, "h": 250}}]),
        "imp-no-kind": ("an imp without banner, video, audio or native", [{"id": "1"}]),
        "imp-twice": ("two imps of one id", [IMP, IMP]),
    }
    for name, (about, change) in request.items():
        yield _probe(name, about, _changed(change), "refusal.request")
    for name, (about, changed) in imps.items():
        yield _probe(name, about, _changed({"imp": changed}), "refusal.imp")


def _mistyped() -> Iterator[Probe]:
    """Section 3.2: a required attribute of another type."""
    changes: dict[str, tuple[str, Mapping[str, Any]]] = {
        "id-object": ("an object for an id", {"id": {"a": 1}}),
        "imp-object": ("an object for the array of imps", {"imp": {"1": IMP}}),
        "imp-strings": ("strings for imps", {"imp": ["1", "2"]}),
        "imp-id-array": ("an array for the id of an imp", {"imp": [{**IMP, "id": ["1"]}]}),
        "native-broken": ("a native request that is no JSON", {"imp": [{"id": "1", "native": {"request": "{broken"}}]}),
    }
    for name, (about, change) in changes.items():
        yield _probe(name, about, _changed(change), "refusal.type")


def _changed(change: Mapping[str, Any]) -> bytes:
    made = {**REQUEST, **change}
    return json.dumps({name: value for name, value in made.items() if value is not None}).encode()


def _transport() -> Iterator[Probe]:
    """Sections 2.1, 2.3, 2.4: the headers say one thing, the body is another."""
    packed = gzip.compress(GOOD, mtime=0)
    for method in ("GET", "PUT", "DELETE"):
        name, about = f"invalid-method-{method.lower()}", f"the method {method}"
        yield Probe(name=name, about=about, kind="invalid", method=method, body=GOOD, flaw="refusal.method")
    for kind in ("application/x-protobuf", "image/png", "application/json; charset=utf-16"):
        headers = {**JSON_HEADERS, "content-type": kind}
        name = kind.rpartition("/")[2].replace("; charset=", "-")
        yield _probe(f"type-{name}", f"JSON said to be {kind}", GOOD, "refusal.content-type", headers)
    encodings = {
        "gzip-plain": ("plain JSON said to be gzip", GOOD, "gzip"),
        "gzip-cut": ("gzip cut off", packed[:-12], "gzip"),
        "gzip-flipped": ("gzip with damaged bytes", packed[:15] + b"\xff\xff\xff" + packed[18:], "gzip"),
        "encoding-unknown": ("an encoding that nobody knows", packed, "x-no-such-encoding"),
    }
    for name, (about, body, encoding) in encodings.items():
        yield _probe(name, about, body, "refusal.encoding", {**JSON_HEADERS, "content-encoding": encoding})


def _extreme() -> Iterator[Probe]:
    """Valid as JSON, and beyond reason: any answer is right that is none of the server's failures."""
    huge = json.dumps({**REQUEST, "ext": {"x": "x" * GIANT}}).encode()
    bomb = gzip.compress(json.dumps({**REQUEST, "ext": {"x": "x" * BOMB}}).encode(), 9, mtime=0)
    nested = GOOD[:-1] + b', "ext": ' + b'{"a":' * DEPTH + b"1" + b"}" * DEPTH + b"}"
    yield _probe("giant", "two megabytes of ext", huge, "")
    yield _probe("gzip-bomb", "64 megabytes in a small gzip", bomb, "", {**JSON_HEADERS, "content-encoding": "gzip"})
    yield _probe("nested", "an ext of a hundred thousand levels", nested, "")
    yield _probe("twice", "a key twice in one object", GOOD[:-1] + b', "id": "other"}', "")
    yield _probe("many-imps", "5,000 imps", _changed({"imp": [{**IMP, "id": str(n)} for n in range(5000)]}), "")
    for name, digits in (("floor", b"1e308"), ("floor-integer", b"9" * 400), ("floor-tiny", b"-1e-320")):
        body = GOOD.replace(b'"id": "1"', b'"id": "1", "bidfloor": ' + digits)
        yield _probe(name, f"a floor of {digits[:12].decode()}", body, "")
