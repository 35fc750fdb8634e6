"""Seal: what the server gives to a browser and wants back unchanged.

    text = base64url(JSON) "." base64url(HMAC-SHA256(key, purpose "." base64url(JSON)))

The purpose is signed with it, so that what was sealed as one thing is never opened as another.
"""

import base64
import hashlib
import hmac
from typing import TypeVar

import msgspec

T = TypeVar("T")
LONGEST = 4096  # characters that are looked at


class Seal:
    """Seals and opens with one key. secret: of the installation, so that all its servers open each other's."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"adcascade console", hashlib.sha256)

    def sealed(self, purpose: str, value: msgspec.Struct) -> str:
        """The value as text."""
        body = _text(msgspec.json.encode(value))
        return f"{body}.{self.tag(purpose, body)}"

    def opened(self, purpose: str, text: str, shape: type[T]) -> T | None:
        """The value; None where the text is forged, damaged, of another purpose, or of a version with another shape."""
        body, _, tag = text.partition(".")
        if len(text) > LONGEST or not text.isascii() or not hmac.compare_digest(tag, self.tag(purpose, body)):
            return None
        try:
            return msgspec.json.decode(_bytes(body), type=shape)
        except msgspec.ValidationError:
            return None

    def tag(self, purpose: str, body: str) -> str:
        """The signature alone."""
        return _text(hmac.digest(self._key, f"{purpose}.{body}".encode(), hashlib.sha256))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
