"""Messages: what a shard decodes is what the front had encoded, and nothing of the user's key travels."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.cascade.sharding.conftest import SIZES

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.opportunity import chance_of
from adcascade.cascade.sharding.merge import Sifted
from adcascade.cascade.sharding.messages import Ask, Found, decode, decoded, encode, encoded, question
from adcascade.closedloop.made_up import requests
from adcascade.contracts import Batch, Opportunity
from adcascade.errors import InputError
from adcascade.features.encoder import Encoder


@pytest.fixture(scope="module")
def encoder(unlearned: Path) -> Encoder:
    """The shop's own."""
    bundles = Bundles(unlearned / "bundles")
    version = bundles.current()
    assert version is not None
    return Encoder.load(bundles.path(version) / "features")


def seen(number: int) -> dict[str, object]:
    """Raw features of a request whose user has clicked `number` ads."""
    return {
        "user": "somebody secret", "scenario": "home", "device": "phone", "query": "word1", "position": "0",
        "page_category": "d1/s1", "history_ad": [f"a{one}" for one in range(number)],
        "history_category": [f"d{one}/s1" for one in range(number)],
    }  # fmt: skip


@pytest.mark.parametrize("clicks", [0, 1, 5, 20, 30])
def test_features_come_through_as_they_were(encoder: Encoder, clicks: int) -> None:
    """Every array of the Batch, its padding included, whatever the length of the history."""
    before = encoder.encode_one(seen(clicks), "request")
    after = decoded(msgspec.msgpack.decode(encode(encoded(before)), type=type(encoded(before))), encoder)
    for name in Batch.__slots__:
        a, b = getattr(before, name), getattr(after, name)
        assert a.dtype == b.dtype
        assert np.array_equal(a, b), name


def test_a_question_is_small_and_does_not_name_the_user(encoder: Encoder) -> None:
    """Less than a kilobyte for a search by a user with a history; the key is nowhere in it."""
    request = msgspec.structs.replace(requests(SIZES, 1)[0], user="somebody secret", query="word1 word2")
    opportunity = Opportunity(
        request=request, seen=seen(20), features=encoder.encode_one(seen(20), "request"), random=chance_of("x")
    )
    asked = question(opportunity, "20260101T000000-00000000", 0)
    assert asked.recent == ("d17/s1", "d18/s1", "d19/s1")
    sent = encode(asked)
    assert b"somebody secret" not in sent
    assert len(sent) < 1_000
    heard = decode(sent)
    assert isinstance(heard, Ask)
    assert heard.request == msgspec.structs.replace(request, user=None)
    assert encode(msgspec.structs.replace(heard, request=asked.request)) == sent


@pytest.mark.parametrize("data", [b"", b"\xc1", b"hello", encode(["x", 1]), encode([9, 1]), encode([2])])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    """By name, never by an exception of a decoder."""
    with pytest.raises(InputError, match="message of the shards' protocol"):
        decode(data)


def test_features_of_another_encoder_are_refused(encoder: Encoder) -> None:
    """And so are bytes that end in the middle of a number, or columns of different lengths."""
    whole = encoded(encoder.encode_one(seen(3), "request"))
    for broken in (
        msgspec.structs.replace(whole, ids=whole.ids[:-4]),
        msgspec.structs.replace(whole, ids=whole.ids[:-1]),
        msgspec.structs.replace(whole, length=2),
        msgspec.structs.replace(whole, length=-1),
    ):
        with pytest.raises(InputError):
            decoded(broken, encoder)
    four = np.zeros(1, np.float32).tobytes()
    with pytest.raises(InputError, match="one length"):
        Sifted.of(Found(1, "v", 0, "", four, four, four, four, four, b""))
    with pytest.raises(InputError, match="numbers of kind"):
        Sifted.of(Found(1, "v", 0, "", four, four, four, four, four, b"abc"))
