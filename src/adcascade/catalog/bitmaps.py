"""Packed bitmaps over the rows of the catalog: row r is bit r % 8 (the lowest is 0) of byte r // 8.

That is the order of faiss' IDSelectorBitmap. Letters: N rows, M rows of a patch, B bytes of capacity.
"""

from collections.abc import Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]
Key = TypeVar("Key", bound=Hashable)


class Patch(NamedTuple):
    """A set of rows as the bytes that hold them: what switches many bits at once."""

    byte: NDArray[np.int64]  # [m] distinct, ascending
    mask: Bits  # [m]


def patch_of(rows: NDArray[np.integer]) -> Patch:
    """The patch of these rows, int [M] in any order, repeats allowed."""
    ordered = np.sort(rows.astype(np.int64, copy=False))
    if not len(ordered):
        return Patch(ordered, np.empty(0, np.uint8))
    byte = ordered >> 3
    bit = np.left_shift(1, ordered & 7).astype(np.uint8)
    first = np.flatnonzero(np.concatenate(([True], byte[1:] != byte[:-1])))
    return Patch(byte[first], np.bitwise_or.reduceat(bit, first))


def switch_on(bits: Bits, patch: Patch) -> None:
    """Set the patch's bits, in place."""
    bits[patch.byte] |= patch.mask


def switch_off(bits: Bits, patch: Patch) -> None:
    """Clear the patch's bits, in place."""
    bits[patch.byte] &= ~patch.mask


def pack(mask: NDArray[np.bool_]) -> Bits:
    """bool [N] -> uint8 [ceil(N / 8)]."""
    return np.packbits(mask, bitorder="little")


def unpack(bits: Bits, n: int) -> NDArray[np.bool_]:
    """uint8 [ceil(N / 8)] -> bool [N]."""
    return np.asarray(np.unpackbits(bits, count=n, bitorder="little"), np.bool_)


def rows_in(bits: Bits, n: int) -> NDArray[np.int32]:
    """The rows whose bit is set, ascending."""
    return np.flatnonzero(unpack(bits, n)).astype(np.int32)


def are_in(bits: Bits, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether each row's bit is set: int [M] -> bool [M]."""
    return np.asarray((bits[rows >> 3] >> (rows & 7).astype(np.uint8)) & 1, np.bool_)


class BitTable(Generic[Key]):
    """One bitmap for each key, all of the same capacity; a key never seen has no row."""

    def __init__(self) -> None:
        """A table without keys."""
        self._bytes = 0
        self._of: dict[Key, Bits] = {}

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes in every bitmap."""
        self._bytes = capacity
        for key, bits in self._of.items():
            self._of[key] = np.concatenate((bits, np.zeros(capacity - len(bits), np.uint8)))

    def add(self, keys: Iterable[Key], patch: Patch) -> None:
        """Put the patch's rows under each of the keys."""
        for key in keys:
            if key not in self._of:
                self._of[key] = np.zeros(self._bytes, np.uint8)
            switch_on(self._of[key], patch)

    def discard(self, keys: Iterable[Key], patch: Patch) -> None:
        """Take the patch's rows from each of the keys."""
        for key in keys:
            if key in self._of:
                switch_off(self._of[key], patch)

    def get(self, key: Key) -> Bits | None:
        """The bitmap of the key, uint8 [B]; not to be written."""
        return self._of.get(key)

    def items(self) -> Iterable[tuple[Key, Bits]]:
        """All keys ever seen with their bitmaps; not to be written."""
        return self._of.items()

    @property
    def keys(self) -> list[Key]:
        """All keys ever seen."""
        return list(self._of)


class RowGroups(Generic[Key]):
    """Disjoint sets of rows by key, each with its patch at hand: ads by campaign, by product, by category."""

    def __init__(self) -> None:
        """No groups."""
        self._rows: dict[Key, set[int]] = {}
        self._patches: dict[Key, Patch] = {}

    def add(self, key: Key, rows: Iterable[int]) -> None:
        """Put rows under the key."""
        self._rows.setdefault(key, set()).update(rows)
        self._patches.pop(key, None)

    def discard(self, key: Key, rows: Iterable[int]) -> None:
        """Take rows from the key."""
        if key in self._rows:
            self._rows[key].difference_update(rows)
            self._patches.pop(key, None)

    def rows(self, key: Key) -> NDArray[np.int32]:
        """The key's rows, ascending, int32 [M]."""
        return np.array(sorted(self._rows.get(key, ())), np.int32)

    def patch(self, key: Key) -> Patch:
        """The patch of the key's rows; kept until they change."""
        if key not in self._patches:
            self._patches[key] = patch_of(self.rows(key))
        return self._patches[key]
