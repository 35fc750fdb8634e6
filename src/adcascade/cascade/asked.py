"""Asked: a request as somebody types it, an AdRequest in JSON of which most may be left out."""

import msgspec

from adcascade.contracts import AdRequest
from adcascade.errors import InputError

EXAMPLE = '{"slots": [{"id": "1"}, {"id": "2"}], "scenario": "search", "query": "trail shoes", "user": "u7"}'
MOST_SLOTS = 50


def asked_of(data: bytes, now_us: int, field: str) -> AdRequest:
    """The request, marked as a test; its time is now where it names none. InputError names `field`."""
    try:
        plain = msgspec.json.decode(data)
        if not isinstance(plain, dict):
            raise InputError(field, plain, "a JSON object", f"such as {EXAMPLE}")
        given = {"id": "explained", "time_us": now_us} | plain | {"test": True}
        request = msgspec.convert(given, AdRequest)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(field, str(error), "an AdRequest as JSON", f"such as {EXAMPLE}") from error
    if not 1 <= len(request.slots) <= MOST_SLOTS:
        raise InputError(f"{field}: slots", len(request.slots), f"1 to {MOST_SLOTS} slots", f"such as {EXAMPLE}")
    return request
