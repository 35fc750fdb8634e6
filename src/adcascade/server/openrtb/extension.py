"""What vendors put into `ext`: read where it helps, never a reason to refuse."""

from typing import Any

import msgspec

from adcascade.server.openrtb.objects import NOTHING

LARGEST = 65_536  # bytes
_ANY = msgspec.json.Decoder(dict[str, Any])


def extension(raw: msgspec.Raw) -> dict[str, Any]:
    """The fields of an `ext`; empty where it is absent, no object, or too large to be looked into."""
    if raw is NOTHING or memoryview(raw).nbytes > LARGEST:
        return {}
    try:
        return _ANY.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def text_of(fields: dict[str, Any], name: str, longest: int = 1024) -> str:
    """A field that is a string of at most `longest` characters; else empty."""
    value = fields.get(name)
    return value if isinstance(value, str) and len(value) <= longest else ""


def texts_of(fields: dict[str, Any], name: str, most: int = 100) -> tuple[str, ...]:
    """The strings of a field that is a list, at most so many; else none."""
    value = fields.get(name)
    return tuple([one for one in value if isinstance(one, str)][:most]) if isinstance(value, list) else ()
