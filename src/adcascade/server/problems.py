"""What goes wrong at the edge, as JSON: `{"error": {"field", "value", "expected", "remedy"}}` with a status."""

import re
from math import ceil
from typing import TypeVar

import msgspec

from adcascade.errors import (
    AccessError,
    AdcascadeError,
    BusyError,
    ConflictError,
    InputError,
    SignatureError,
    StoreError,
)

T = TypeVar("T")

STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
SHOWN = 120  # characters of a value that an error repeats
LOOKED_AT = 4096  # bytes of a value that is decoded to be shown
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class RefusalError(InputError):
    """A request that is refused with another status than 400: 404, 405, 413, 415 ..."""

    def __init__(self, status: int, field: str, value: object, expected: str, remedy: str = "") -> None:
        super().__init__(field, value, expected, remedy)
        self.status = status


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """Which field holds what, what was expected there, and what to do."""

    field: str
    value: str
    expected: str
    remedy: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is no success."""

    error: ErrorBody


def status_of(error: AdcascadeError) -> int:
    """400 for the caller's faults, 401, 403 and 429 for his key's, 412 where another wrote first, 429 where another
    asks, 503 where the disk refuses, 500 for ours."""
    match error:
        case AccessError() | RefusalError():
            return error.status
        case BusyError():
            return 429
        case ConflictError():
            return 412
        case InputError() | SignatureError():
            return 400
        case StoreError():
            return 503
        case _:
            return 500


def error_body(error: AdcascadeError) -> ErrorBody:
    """The error as the caller shall read it; of our own faults it tells nothing."""
    match error:
        case InputError():
            return ErrorBody(field=error.field, value=_shown(error.value), expected=error.expected, remedy=error.remedy)
        case AccessError():
            return ErrorBody(field="authorization", value="", expected=error.expected, remedy=error.remedy)
        case ConflictError():
            expected = f"version {error.current}" if error.current else "nothing there"
            return ErrorBody(
                field=f"{error.kind} {error.id}",
                value=f"version {error.version}" if error.version else "nothing there",
                expected=f"{expected}, as it is by now",
                remedy="read it again and repeat the change",
            )
        case SignatureError():
            return ErrorBody(
                field="token",
                value="",
                expected="a token that this server signed and that has not expired",
                remedy="use the id or URL of a recent answer, unchanged",
            )
        case StoreError():
            return ErrorBody(
                field="server",
                value="",
                expected="a disk that takes the events",
                remedy="nothing of this request was taken; send it again, with the same ids",
            )
        case _:
            return ErrorBody(field="server", value="", expected="no failure", remedy="see the server's log")


def problem_json(error: AdcascadeError) -> bytes:
    """The error as a JSON body."""
    return msgspec.json.encode(Problem(error=error_body(error)))


def problem_headers(error: AdcascadeError) -> dict[str, str]:
    """What an answer to this error says beside its body: the right method, how to sign in, when to come again."""
    if isinstance(error, RefusalError) and error.status == 405:
        return {"allow": error.expected}
    if not isinstance(error, AccessError):
        return {}
    headers = {"www-authenticate": "Bearer"} if error.status == 401 else {}
    return headers | ({"retry-after": str(max(1, ceil(error.after_s)))} if error.status == 429 else {})


def decode(decoder: msgspec.json.Decoder[T], body: bytes, root: str = "") -> T:
    """Decode a body; InputError names the field as the caller would write it. root: put in front of the field."""
    try:
        if not body.isascii():
            body.decode()  # the decoder passes over strings that it does not read
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _explained(error, body, root) from error
    except msgspec.DecodeError as error:
        raise InputError(root or "body", _start(body), "JSON", str(error)) from error
    except UnicodeDecodeError as error:
        raise InputError(root or "body", _start(body), "UTF-8", str(error)) from error
    except RecursionError as error:
        raise InputError(root or "body", "nested too deeply", "JSON of moderate depth", "flatten it") from error


def _explained(error: msgspec.ValidationError, body: bytes, root: str) -> InputError:
    what, _, place = str(error).rpartition(" - at `")
    what, where = (what, place.removesuffix("`")) if what else (place, "$")
    field = where.removeprefix("$").removeprefix(".")
    name = ".".join(part for part in (root, field) if part) or "body"
    return InputError(name, _value_at(body, where), _short(what[:1].lower() + what[1:]))


def _value_at(body: bytes, where: str) -> object:
    """The value at a path such as `$.imp[0].banner.w`; where the path leaves the document, what was there last.

    Only what stands on the path is looked into, and a long value is not decoded: a wrong request must cost no more
    than a right one.
    """
    value = msgspec.Raw(body)
    try:
        for key, index in STEP.findall(where):
            value = _FIELDS.decode(value)[key] if key else _ITEMS.decode(value)[int(index)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, IndexError):
        pass  # the path leaves the document
    text = bytes(value)
    return _start(text) if len(text) > LOOKED_AT else _decoded(text)


def _decoded(text: bytes) -> object:
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _start(text)
    return value


def _start(body: bytes) -> str:
    return body[:SHOWN].decode("utf-8", "replace")


def _shown(value: object) -> str:
    return _short(value if isinstance(value, str) else repr(value))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
