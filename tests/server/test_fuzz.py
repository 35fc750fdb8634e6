"""Whatever an exchange sends, the bid route answers 200, 204, 400 or 413, and never fails."""

import asyncio
import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.shop import NOW, OPTIONS, Shop

from adcascade.events.journal import Journal
from adcascade.server.app import AdServer, create_app

ALLOWED = {200, 204, 400, 413}
STORIES = Path(__file__).parent.parent / "stories" / "openrtb.json"
VALID: list[dict[str, Any]] = [story["request"]["json"] for story in json.loads(STORIES.read_text("utf-8"))]

NUMBERS = [-1, 0, 2**31, 2**63, 2**64, -(2**63), 10**40, 1e308, -0.0, 1e-320]
OTHERS: list[Any] = [None, True, "", "null", "nan", "\x00", "𝒳" * 50, [], {}]
EXTREMES: st.SearchStrategy[Any] = st.sampled_from([*NUMBERS, *OTHERS])
JSON = st.recursive(
    EXTREMES | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def bid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes], tuple[int, bytes]]]:
    """bid(body) -> (status, body), without a client in between; a failure that the shell would hide is raised."""
    with Journal(tmp_path_factory.mktemp("fuzz") / "journal.db") as journal:
        shop = Shop(journal)
        app = create_app(shop, OPTIONS, clock=lambda: NOW)
        app.metrics.failed = hidden  # type: ignore[method-assign]
        yield lambda body: asyncio.run(post(app, body))


def hidden(route: str) -> None:
    """In place of counting and answering 204."""
    raise AssertionError(f"{route} met its last resort")


async def post(app: AdServer, body: bytes) -> tuple[int, bytes]:
    """One POST to the bid route by ASGI."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/openrtb2/bid", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from places(each, (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid request with up to four places dropped, replaced, nested or doubled, or with the text itself damaged."""
    document = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 4))):
        paths = list(places(document))
        if not paths:
            break
        *above, key = draw(st.sampled_from(paths))
        parent = document
        for step in above:
            parent = parent[step]
        mutate(draw, parent, key)
    text = json.dumps(document, ensure_ascii=draw(st.booleans())).encode()
    if draw(st.integers(0, 9)) == 0:
        cut = draw(st.integers(0, len(text)))
        text = text[:cut] + draw(st.binary(max_size=4)) + text[cut + 1 :]
    return text


def mutate(draw: st.DrawFn, parent: Any, key: Any) -> None:
    """Change one place."""
    match draw(st.integers(0, 4)):
        case 0:
            del parent[key]
        case 1:
            parent[key] = draw(JSON)
        case 2:
            parent[key] = draw(EXTREMES)
        case 3:
            parent[key] = [parent[key]] if draw(st.booleans()) else {"x": parent[key]}
        case _ if isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        case _:
            parent[draw(st.text(max_size=6))] = parent[key]


@settings(max_examples=400, deadline=None)
@given(body=mutated())
def test_a_damaged_request_is_answered_within_the_protocol(
    bid: Callable[[bytes], tuple[int, bytes]], body: bytes
) -> None:
    """The status is one of the four; a 200 holds finite prices for imps that were asked for, a 400 names a field."""
    status, answer = bid(body)
    assert status in ALLOWED
    if status == 200:
        asked = {imp["id"] for imp in json.loads(body)["imp"]}
        bids = [each for seat in json.loads(answer)["seatbid"] for each in seat["bid"]]
        assert bids
        assert {each["impid"] for each in bids} <= asked
        assert all(0 < each["price"] < 1e9 for each in bids)
    elif status == 400:
        assert json.loads(answer)["error"]["field"]
    else:
        assert status != 204 or not answer


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=64) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_answered_within_the_protocol(bid: Callable[[bytes], tuple[int, bytes]], body: bytes) -> None:
    """Bytes and JSON of any kind: never anything but the four statuses."""
    assert bid(body)[0] in ALLOWED


@pytest.mark.parametrize("opening", [b"", b'{"x":', b'{"ext":', b'{"id":"1","imp":[{"id":"1","ext":'])
@pytest.mark.parametrize("level", [b"[", b'{"a":', b'[{"a":'])
def test_deep_nesting_is_refused(bid: Callable[[bytes], tuple[int, bytes]], opening: bytes, level: bytes) -> None:
    """A hundred thousand levels are a 400 and not a crash, wherever they hang."""
    assert bid(opening + level * 100_000)[0] == 400
