"""Signed bid ids: what an event needs to be charged travels in the tracking URL and cannot be altered.

    text = base64url( version | msgpack(token) | HMAC-SHA256(key, version | msgpack(token))[:16] )

Nothing is looked up to charge a click, so a click survives a restart; the signature is compared in constant
time. A text is accepted only in its one canonical spelling, so that any altered character is refused.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from adcascade.errors import ConfigurationError, SignatureError

VERSION = b"\x01"
TAG, BLOCK = 16, 64  # bytes of the signature, and of what SHA-256 takes at once
MIN_KEY = 16  # bytes of a key
DAY_US = 86_400_000_000
MOST_VALID_US = DAY_US  # from the answer to the expiry, at most
TAKEN_US = 90 * DAY_US  # an event may come so long after its bid id has expired; it is charged no more


class BidToken(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One ad of one answer: what was promised, for how much, until when."""

    bid_id: str
    campaign: str  # id of the campaign that pays
    ad: int  # row of the catalog
    slot: int
    creative: int
    price_micros: int  # per billing event
    billing: str  # "click" or "impression"
    lease: int  # the lease that covers the price, 0 where the campaign has no budget
    expires_us: int  # from then on the ad is charged no more
    deal: str = ""  # the private deal under which it took the slot


class Signer:
    """Seals and opens tokens. The first key signs, all keys open: put a new key first, drop the old one later."""

    def __init__(self, keys: bytes | Sequence[bytes]) -> None:
        self._keys = (keys,) if isinstance(keys, bytes) else tuple(keys)
        if not self._keys or min(map(len, self._keys)) < MIN_KEY:
            raise ConfigurationError(
                f"a signing key is missing or shorter than {MIN_KEY} bytes; make one with `openssl rand -hex 32`"
            )
        self._sign = tuple(map(keyed, self._keys))
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(BidToken).decode

    def seal(self, token: BidToken) -> str:
        """The token as text for a URL, about 120 characters."""
        body = VERSION + self._encode(token)
        return urlsafe_b64encode(body + self._sign[0](body)).rstrip(b"=").decode("ascii")

    def open(self, text: str, now_us: int, *, late: bool = False) -> BidToken:
        """The token that was sealed; SignatureError where it is forged, damaged or, unless `late`, expired.

        late: accept a token, too, that expired within TAKEN_US: its event is worth logging, and the ledger will not
        charge it. One that is older still could name an event whose id the log has forgotten.
        """
        body = self._verified(text)
        try:
            token = self._decode(body[1:])
        except msgspec.MsgspecError as error:
            raise SignatureError("the bid id is signed but of another version; ask for ads again") from error
        if now_us >= token.expires_us + TAKEN_US * late:
            raise SignatureError(f"the bid id expired {now_us - token.expires_us} us ago; ask for ads again")
        return token

    def _verified(self, text: str) -> bytes:
        """The signed bytes of `text`."""
        try:
            letters = text.encode("ascii")
            raw = urlsafe_b64decode(letters + b"=" * (-len(letters) % 4))
        except (UnicodeEncodeError, binascii.Error) as error:
            raise SignatureError("the bid id is damaged; use it exactly as it was answered") from error
        body, tag = raw[:-TAG], raw[-TAG:]
        canonical = urlsafe_b64encode(raw).rstrip(b"=") == letters and body[:1] == VERSION
        if not canonical or not any(hmac.compare_digest(sign(body), tag) for sign in self._sign):
            raise SignatureError("the bid id was not issued here, or was altered; use it exactly as it was answered")
        return body


def keyed(key: bytes) -> Callable[[bytes], bytes]:
    """The signature under this key: what RFC 2104 hashes before each message, hashed once."""
    block = (key if len(key) <= BLOCK else sha256(key).digest()).ljust(BLOCK, b"\0")
    inner, outer = (sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))

    def sign(body: bytes) -> bytes:
        message, tag = inner.copy(), outer.copy()
        message.update(body)
        tag.update(message.digest())
        return tag.digest()[:TAG]

    return sign
