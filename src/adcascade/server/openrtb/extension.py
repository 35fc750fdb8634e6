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


def text_of(fields: dict[str, Any], name: str) -> str:
    """A field that is a string of moderate length; else empty."""
    value = fields.get(name)
    return value if isinstance(value, str) and len(value) <= 1024 else ""
