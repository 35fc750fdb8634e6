"""Frames: a message behind its length in four bytes; and how both ends of a line prove that they share a secret.

    shard: Challenge(n)    front: Proof(m, HMAC(key, "front" n m))    shard: Holds(..., HMAC(key, "shard" n m))

The key is derived from the installation's signing key, and nonces are fresh, so a proof is worth nothing elsewhere or
later. What follows is neither encrypted nor signed message by message: lines belong in a network of one's own.
"""

import hmac
import struct
from collections.abc import Iterator

from adcascade.cascade.sharding.messages import Message, decode, encode
from adcascade.errors import InputError

HEAD = struct.Struct("!I")
NONCE = 16  # bytes
GREETING = 256  # bytes of a frame at most, until the other end has proved itself
LARGEST = 32 << 20  # and afterwards: terms of a million campaigns


def framed(message: Message) -> bytes:
    """The frame of a message."""
    body = encode(message)
    return HEAD.pack(len(body)) + body


def line_key(signing_key: bytes) -> bytes:
    """The key of proofs."""
    return hmac.digest(signing_key, b"adcascade shards", "sha256")


def proof_of(key: bytes, side: str, theirs: bytes, ours: bytes) -> bytes:
    """What only somebody with the key can say. theirs: the shard's nonce; ours: the front's."""
    return hmac.digest(key, side.encode() + theirs + ours, "sha256")


class Cutter:
    """Cuts what comes on a line into messages. limit: bytes of a frame at most; may be raised."""

    def __init__(self, limit: int = GREETING) -> None:
        self.limit = limit
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole now. InputError for a frame that is too large or no message."""
        self._held += data
        while len(self._held) >= HEAD.size:
            (length,) = HEAD.unpack_from(self._held)
            if length > self.limit:
                raise InputError(
                    "frame", f"{length} bytes", f"at most {self.limit} bytes of a shard's or front's message"
                )
            end = HEAD.size + length
            if len(self._held) < end:
                return
            body = bytes(self._held[HEAD.size : end])
            del self._held[:end]
            yield decode(body)
