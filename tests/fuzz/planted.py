"""A fault in the place of a decoder, behind two conditions: what the fuzzer must be able to find."""

import json

from tests.fuzz.targets import Fuzzed


def faulty(body: bytes) -> None:
    """Fails where a size is a text and the floor is no number, as a careless bidder would."""
    try:
        document = json.loads(body)
        imp = document["imp"][0]
        size = imp["banner"]["w"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return
    if isinstance(size, str):
        imp.get("bidfloor", 0.0) + 1  # the fault


FAULTY = Fuzzed(faulty, [b'{"id": "1", "imp": [{"id": "1", "bidfloor": 1.5, "banner": {"w": 300, "h": 250}}]}'])
