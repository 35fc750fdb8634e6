"""Reading JSON that may hold anything: a field of the wrong type reads as absent.

Restrictions of a mutated request bind only as far as they can be understood, so each reader answers None
where the field is absent or of another type, and the rule that asked has nothing to check.
"""

import json
import math
import zlib
from typing import Any, TypeGuard

Document = dict[str, Any]
LONGEST_INT = 300  # digits; longer ones become floats, as in most decoders
MOST_BYTES = 16 << 20  # of an unpacked body


class MalformedError(ValueError):
    """The bytes are no JSON in UTF-8."""


class AmbiguousError(ValueError):
    """JSON that decoders read differently: a key twice in one object, or nesting beyond reason."""


def decode(body: bytes) -> Any:
    """Strict JSON (RFC 8259): no NaN, UTF-8 only. MalformedError, AmbiguousError."""
    ambiguous = False

    def unique(pairs: list[tuple[str, Any]]) -> Document:
        nonlocal ambiguous
        made = dict(pairs)
        ambiguous = ambiguous or len(made) < len(pairs)
        return made

    try:
        found = json.loads(body.decode(), object_pairs_hook=unique, parse_constant=_no_constant, parse_int=_int)
    except RecursionError as error:
        raise AmbiguousError("nested too deeply") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are such
        raise MalformedError(str(error)) from error
    if ambiguous:
        raise AmbiguousError("a key twice in one object")
    return found


def document_of(source: str) -> Document | None:
    """The object in a string of JSON; None where it is none, or decoders differ about it."""
    try:
        found = decode(source.encode("utf-8", "surrogatepass"))
    except (MalformedError, AmbiguousError):
        return None
    return found if isinstance(found, dict) else None


def _no_constant(name: str) -> float:
    raise MalformedError(f"{name} is no JSON")


def _int(digits: str) -> float:
    return int(digits) if len(digits) <= LONGEST_INT else float(digits)


def unpacked(body: bytes, encoding: str | None) -> bytes:
    """The body without its content encoding. MalformedError: unknown, damaged or too large."""
    if encoding is None or encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise MalformedError(f"content-encoding {encoding} is unknown")
    member = zlib.decompressobj(31)
    try:
        plain = member.decompress(body, MOST_BYTES)
    except zlib.error as error:
        raise MalformedError(f"damaged gzip: {error}") from error
    if not member.eof or member.unused_data:
        raise MalformedError("the gzip stream is cut off, goes on after its end, or is too large")
    return plain


def child(document: Document | None, name: str) -> Document | None:
    """The object in a field."""
    value = _value(document, name)
    return value if isinstance(value, dict) else None


def text(document: Document | None, name: str) -> str | None:
    """The string in a field."""
    value = _value(document, name)
    return value if isinstance(value, str) else None


def whole(document: Document | None, name: str) -> int | None:
    """The integer in a field."""
    value = _value(document, name)
    return value if is_whole(value) else None


def number(document: Document | None, name: str) -> float | None:
    """The finite number in a field."""
    value = _value(document, name)
    return value if is_number(value) else None


def objects(document: Document | None, name: str) -> list[Document]:
    """The objects of an array; what is no object is left out."""
    return [each for each in _array(document, name) if isinstance(each, dict)]


def texts(document: Document | None, name: str) -> list[str]:
    """The strings of an array."""
    return [each for each in _array(document, name) if isinstance(each, str)]


def wholes(document: Document | None, name: str) -> list[int]:
    """The integers of an array."""
    return [each for each in _array(document, name) if is_whole(each)]


def permitted(document: Document | None, name: str) -> list[int]:
    """The integers of an array that says what is allowed; none where it also holds what may be read in two ways."""
    values = _array(document, name)
    return values if all(is_whole(each) for each in values) else []


def is_whole(value: object) -> TypeGuard[int]:
    """An integer, and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """A finite number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _value(document: Document | None, name: str) -> object:
    return document.get(name) if document is not None else None


def _array(document: Document | None, name: str) -> list[Any]:
    value = _value(document, name)
    return value if isinstance(value, list) else []
