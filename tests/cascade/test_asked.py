"""A typed request is a test, of now unless it says otherwise, with slots; what is wrong is refused by name."""

import pytest

from adcascade.cascade.asked import EXAMPLE, asked_of
from adcascade.errors import InputError


def test_what_is_left_out_is_filled_in() -> None:
    """And whatever is said, it is a test."""
    request = asked_of(EXAMPLE.encode()[:-1] + b', "test": false}', 7, "json")
    assert (request.test, request.time_us, len(request.slots), request.user) == (True, 7, 2, "u7")
    assert asked_of(b'{"slots": [{"id": "1"}], "time_us": 3}', 7, "json").time_us == 3


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff", b"{}", b'{"slots": []}', b'{"slots": 1}', b"[" * 100_000,
             b'{"slots": [%s]}' % b",".join([b'{"id": "1"}'] * 51)],
)  # fmt: skip
def test_what_is_no_request_is_refused(text: bytes) -> None:
    """With the field, and an example."""
    with pytest.raises(InputError, match=r"json.*such as"):
        asked_of(text, 7, "json")
