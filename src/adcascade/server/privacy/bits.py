"""Bits: numbers out of the web-safe base64 in which consent strings travel, six bits a character."""

import re
from base64 import urlsafe_b64decode

LONGEST = 16_384  # characters of a string
TEXT = re.compile(r"[A-Za-z0-9_-]+")


class UnreadableError(ValueError):
    """A consent string is damaged; whoever asked for consent has none."""


class Bits:
    """A string of bits that is read from the front."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST or not TEXT.fullmatch(text):
            raise UnreadableError("expected web-safe base64 of moderate length")
        self._left = 6 * len(text)
        whole = text + "A" * (-len(text) % 4)  # zeros behind the end, which are never read
        self._value = int.from_bytes(urlsafe_b64decode(whole)) >> 6 * (len(whole) - len(text))

    def number(self, width: int) -> int:
        """The next `width` bits as an unsigned number; UnreadableError where so many are not left."""
        if width > self._left:
            raise UnreadableError(f"ends {width - self._left} bits too early")
        self._left -= width
        return self._value >> self._left & ((1 << width) - 1)

    def flag(self) -> bool:
        """The next bit."""
        return self.number(1) == 1

    def fibonacci(self) -> int:
        """A number from 1 as a sum of Fibonacci numbers (1, 2, 3, 5 ...), closed by a second one in a row."""
        total, weight, following, before = 0, 1, 2, False
        while not ((bit := self.flag()) and before):
            total += weight if bit else 0
            weight, following, before = following, weight + following, bit
        return total


def members(bits: int, width: int) -> frozenset[int]:
    """The places from 1 of the ones in `width` bits.

    >>> sorted(members(0b1010, 4))
    [1, 3]
    """
    return frozenset(place for place in range(1, width + 1) if bits >> (width - place) & 1)
