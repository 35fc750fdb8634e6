"""Laws of signed bid ids."""

import hmac

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import ConfigurationError, SignatureError
from adcascade.events.token import TAG, TAKEN_US, BidToken, Signer, keyed

KEY, OTHER = b"k" * 32, b"o" * 32
TOKEN = BidToken(
    bid_id="r1-0",
    campaign="shoes",
    ad=7,
    slot=0,
    creative=1,
    price_micros=125_000,
    billing="click",
    lease=3,
    expires_us=1000,
)

int64 = st.integers(-(2**63), 2**63 - 1)
tokens = st.builds(
    BidToken,
    bid_id=st.text(),
    campaign=st.text(),
    ad=int64,
    slot=int64,
    creative=int64,
    price_micros=int64,
    billing=st.sampled_from(["click", "impression"]),
    lease=int64,
    expires_us=st.integers(1, 2**63 - 1),
)


@given(token=tokens)
def test_what_was_sealed_is_opened(token: BidToken) -> None:
    """open(seal(x)) is x for every token, and the text fits into a URL as it is."""
    text = Signer(KEY).seal(token)
    assert Signer(KEY).open(text, 0) == token
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@settings(max_examples=300)
@given(data=st.data())
def test_every_altered_character_is_refused(data: st.DataObject) -> None:
    """Any one character replaced by any other, by blanks or by non-ASCII: SignatureError."""
    signer = Signer(KEY)
    text = signer.seal(TOKEN)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[place]))
    with pytest.raises(SignatureError):
        signer.open(text[:place] + letter + text[place + 1 :], 0)


def test_a_late_token_is_taken_for_its_time_and_no_longer() -> None:
    """Expired it opens only for who wants late ones, and after TAKEN_US for nobody."""
    signer = Signer(KEY)
    text, end = signer.seal(TOKEN), TOKEN.expires_us
    assert signer.open(text, end - 1) == signer.open(text, end + TAKEN_US - 1, late=True) == TOKEN
    for now_us, late in ((end, False), (end + TAKEN_US, True)):
        with pytest.raises(SignatureError, match="expired"):
            signer.open(text, now_us, late=late)


def test_every_flipped_bit_is_refused() -> None:
    """All 8 bits of all characters, one at a time; the unused bits of the last character too."""
    signer = Signer(KEY)
    for length in range(3):  # so that the last character carries 6, 4 and 2 bits
        text = signer.seal(msgspec.structs.replace(TOKEN, bid_id="x" * length))
        for place in range(len(text)):
            for bit in range(8):
                altered = text[:place] + chr(ord(text[place]) ^ 1 << bit) + text[place + 1 :]
                with pytest.raises(SignatureError):
                    signer.open(altered, 0)


@given(text=st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_what_was_never_sealed_is_refused(text: str) -> None:
    """Arbitrary text raises SignatureError and nothing else."""
    with pytest.raises(SignatureError):
        Signer(KEY).open(text, 0)


@given(cut=st.integers(0, 200), more=st.text("AQz-_=", max_size=3))
def test_a_cut_or_lengthened_text_is_refused(cut: int, more: str) -> None:
    """Padding, a missing end and an added end are no spelling of a token."""
    text = Signer(KEY).seal(TOKEN)
    altered = text[:cut] + more
    if altered != text:
        with pytest.raises(SignatureError):
            Signer(KEY).open(altered, 0)


def test_an_expired_token_opens_only_late() -> None:
    """From expires_us on `open` refuses; with late=True the token comes back, for the ledger to refuse the charge."""
    signer = Signer(KEY)
    text = signer.seal(TOKEN)
    assert signer.open(text, 999) == TOKEN
    with pytest.raises(SignatureError, match="expired"):
        signer.open(text, 1000)
    assert signer.open(text, 1000, late=True) == TOKEN


def test_keys_rotate() -> None:
    """The first key signs; what an older key signed opens as long as that key is listed."""
    old, both, new = Signer(KEY), Signer([OTHER, KEY]), Signer([OTHER])
    assert both.open(old.seal(TOKEN), 0) == TOKEN
    assert new.open(both.seal(TOKEN), 0) == TOKEN
    with pytest.raises(SignatureError, match="not issued here"):
        new.open(old.seal(TOKEN), 0)


@pytest.mark.parametrize("keys", [b"", b"short", [], [KEY, b"short"]])
def test_a_weak_key_is_refused(keys: bytes | list[bytes]) -> None:
    """A key that is missing or short raises ConfigurationError that says how to make one."""
    with pytest.raises(ConfigurationError, match="openssl"):
        Signer(keys)


@given(key=st.binary(min_size=1, max_size=200), body=st.binary(max_size=300))
def test_a_signature_is_hmac_sha256(key: bytes, body: bytes) -> None:
    """What is hashed before is hashed once: the same 16 bytes as the standard's function, message after message."""
    sign = keyed(key)
    for message in (body, body + b"x", body):
        assert sign(message) == hmac.digest(key, message, "sha256")[:TAG]
