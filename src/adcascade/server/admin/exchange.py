"""Reading and answering admin requests: bodies, numbers of a query string, versions as ETags."""

import re
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adcascade.errors import InputError
from adcascade.server.body import read_body
from adcascade.server.problems import RefusalError, decode
from adcascade.server.tracking import PLAIN

T = TypeVar("T")
MAX_BODY = 16 << 20  # bytes, as sent and after gunzip
ANYTHING = msgspec.json.Decoder()
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')


async def body_of(request: Request, shape: type[T]) -> T:
    """The JSON body as `shape`; RefusalError 413 or 415, InputError naming the field."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/merge-patch+json"):
        raise RefusalError(415, "content-type", kind, "application/json")
    body = await read_body(request.receive, dict(request.headers.raw), limit=MAX_BODY, inflated=MAX_BODY)
    return converted(decode(ANYTHING, body), shape)


def converted(told: object, shape: type[T]) -> T:
    """`told` as `shape`; InputError for a wrong value, and for a field that the shape has not: it is not ignored."""
    try:
        value = msgspec.convert(told, shape)
    except msgspec.ValidationError as error:
        says, _, where = str(error).partition(" - at `$.")
        field = where.rstrip("`") or "body"
        raise InputError(field, _at(told, field), says[:1].lower() + says[1:]) from error
    _check_read(told, msgspec.to_builtins(value), "")
    return value


def _at(told: object, field: str) -> object:
    """The value at a path such as `caps[0].level`; where the path leaves the document, what was there last."""
    for name, index in STEP.findall(field):
        if isinstance(told, dict) and name in told:
            told = told[name]
        elif isinstance(told, list) and index and int(index) < len(told):
            told = told[int(index)]
    return told


def _check_read(told: object, read: object, at: str) -> None:
    """InputError for the first field of `told` that did not come into `read`."""
    if isinstance(told, dict) and isinstance(read, dict):
        for name, value in told.items():
            if name not in read:
                known = ", ".join(list(read)[:40])
                raise InputError(f"{at}{name}", value, f"a field that exists: {known}", "see /openapi.json")
            _check_read(value, read[name], f"{at}{name}.")
    elif isinstance(told, list) and isinstance(read, list):
        for place, (one, other) in enumerate(zip(told, read, strict=True)):
            _check_read(one, other, f"{at.removesuffix('.')}[{place}].")


def answer(told: object, status: int = 200, *, version: int | None = None) -> Response:
    """A JSON answer; version: as its ETag."""
    headers = PLAIN if version is None else PLAIN | {"etag": f'"{version}"'}
    return Response(msgspec.json.encode(told), status, media_type="application/json", headers=headers)


def expected_version(request: Request) -> int | None:
    """What the caller says is there: a version (`if-match`), nothing (`if-none-match: *`: 0), or no matter (None)."""
    match, none = request.headers.get("if-match"), request.headers.get("if-none-match")
    if none is not None:
        if none.strip() != "*":
            raise InputError("if-none-match", none, "*", "send it to create what must not be there yet")
        return 0
    if match is None or match.strip() == "*":
        return None
    found = _ETAG.fullmatch(match.strip())
    if found is None:
        raise InputError("if-match", match, 'one ETag of an answer, such as "17"')
    return int(found[1])


def number_of(request: Request, name: str, default: int, *, low: int, high: int) -> int:
    """A whole number of the query string."""
    text = request.query_params.get(name)
    if text is None:
        return default
    value = int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19 else None
    if value is None or not low <= value <= high:
        raise InputError(name, text, f"a whole number from {low} to {high}")
    return value


def check_known(request: Request, *names: str) -> None:
    """InputError for a parameter of the query string that nobody reads: a misspelt filter must not mean "all"."""
    for name in request.query_params:
        if name not in names:
            raise InputError(name, request.query_params[name], f"one of {', '.join(names) or 'no parameters'}")


def merged(noun: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A JSON merge patch (RFC 7396) applied: null takes a field away, an object is merged, all else replaces."""
    result = dict(noun)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            inner = result.get(name)
            result[name] = merged(inner if isinstance(inner, dict) else {}, value)
        else:
            result[name] = value
    return result
