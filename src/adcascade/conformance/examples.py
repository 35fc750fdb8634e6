"""The suite's own bid requests: valid ones as JSON files in `data/`, completed with a site, a device and a user."""

import gzip
import json
from functools import cache
from importlib.resources import files

from adcascade.conformance.probe import JSON_HEADERS, Probe
from adcascade.conformance.reading import Document

AREAS = ("banner", "native", "video", "deals", "auction", "context", "privacy")
TMAX_MS = 1000
DATA = files("adcascade.conformance") / "data"


@cache
def examples() -> tuple[Probe, ...]:
    """All valid examples, in order."""
    parts = _read("parts")
    return tuple(_probe(each, parts) for area in AREAS for each in _read(area))


def _read(area: str) -> list[Document]:
    found: list[Document] = json.loads((DATA / f"{area}.json").read_text("utf-8"))
    return found


def _probe(example: Document, parts: object) -> Probe:
    body = encoded(_completed(example, parts))
    headers = {**JSON_HEADERS, **example.get("headers", {})}
    if example.get("gzip"):
        body, headers["content-encoding"] = gzip.compress(body, mtime=0), "gzip"
    return Probe(
        name=example["name"],
        about=example["about"],
        kind="valid",
        body=body,
        headers=headers,
        regime=example.get("regime", ""),
    )


def _completed(example: Document, parts: object) -> Document:
    """With id, context and terms, unless the example is bare or says otherwise; null leaves a part out."""
    request: Document = {"id": f"conform-{example['name']}"}
    if not example.get("bare"):
        request |= {"at": 1, "tmax": TMAX_MS, "cur": ["USD"]} | (parts if isinstance(parts, dict) else {})
    request |= example["request"]
    return {name: value for name, value in request.items() if value is not None}


def encoded(request: Document) -> bytes:
    """The request as bytes; native requests, written as objects, become the strings that they are."""
    made = {**request, "imp": [_stringed(imp) for imp in request["imp"]]}
    return json.dumps(made, ensure_ascii=False).encode()


def _stringed(imp: Document) -> Document:
    native = imp.get("native")
    if native is None or isinstance(native["request"], str):
        return imp
    return {**imp, "native": {**native, "request": json.dumps(native["request"])}}
