"""Bodies: bounded before they are understood."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.conftest import Call

from adcascade.server.body import gunzip
from adcascade.server.problems import RefusalError
from adcascade.server.reply import gzipped

BODY = {"id": "1", "imp": [{"id": "1", "banner": {}}, {"id": "2", "banner": {}}]}
GZIP = {"content-encoding": "gzip"}


@given(data=st.binary(max_size=500), parts=st.integers(1, 3))
def test_gzip_and_back(data: bytes, parts: int) -> None:
    """Several members in a row are their contents in a row."""
    assert gunzip(gzipped(data) * parts, 1500) == data * parts


@given(data=st.binary(min_size=1, max_size=500))
def test_cut_gzip_is_refused(data: bytes) -> None:
    """A stream that ends too early is never taken for a whole one."""
    packed = gzipped(data)
    for end in range(1, len(packed)):
        with pytest.raises(RefusalError):
            gunzip(packed[:end], 1000)


def test_a_gzip_bomb_is_refused_before_it_unfolds() -> None:
    """64 MiB in 64 KiB: 413, with no more than the limit ever in memory."""
    bomb = gzip.compress(bytes(64 << 20), 9)
    tracemalloc.start()
    with pytest.raises(RefusalError) as refusal:
        gunzip(bomb, 1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refusal.value.status == 413
    assert peak < 4 << 20


def test_a_gzipped_request_is_answered_like_a_plain_one(call: Call) -> None:
    """The same bids but for the ids that each answer has of its own."""
    plain = call("POST", "/openrtb2/bid", json=BODY)
    packed = call("POST", "/openrtb2/bid", content=gzip.compress(json.dumps(BODY).encode()), headers=GZIP)
    prices = [[bid["price"] for bid in answer.json()["seatbid"][0]["bid"]] for answer in (plain, packed)]
    assert prices[0] == prices[1]


def test_an_answer_is_gzipped_where_it_is_asked_for(call: Call) -> None:
    """Accepted: gzip. Not accepted: plain. Both say the same."""
    packed = call("POST", "/openrtb2/bid", json=BODY, headers={"accept-encoding": "gzip"})
    plain = call("POST", "/openrtb2/bid", json=BODY, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert [b["impid"] for b in packed.json()["seatbid"][0]["bid"]] == [
        b["impid"] for b in plain.json()["seatbid"][0]["bid"]
    ]


@pytest.mark.parametrize("path", ["/openrtb2/bid", "/v2/auctions", "/v2/events"])
def test_a_large_body_is_413(call: Call, path: str) -> None:
    """Declared, streamed or packed: above the limit it is refused by every route."""
    large = b" " * (1 << 20) + b"{}"

    async def stream() -> object:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    assert call("POST", path, content=large).status_code == 413
    assert call("POST", path, content=stream(), headers={"content-type": "application/json"}).status_code == 413
    assert call("POST", path, content=gzip.compress(bytes(5 << 20)), headers=GZIP).status_code == 413


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"])
@pytest.mark.parametrize("field", [b"id", b"nobody reads this"])
def test_text_must_be_utf_8_everywhere(call: Call, bad: bytes, field: bytes) -> None:
    """Broken, overlong or surrogate bytes are a 400, in fields that are passed over, too."""
    body = b'{"id": "1", "imp": [{"id": "1", "banner": {}}], "' + field + b'": "' + bad + b'"}'
    answer = call("POST", "/openrtb2/bid", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["expected"] == "UTF-8"
