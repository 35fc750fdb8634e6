"""RowSets: sets of rows by key. A small set is an array of its rows, a large one a bitmap, whichever takes less memory.

So a million cities with a handful of ads each, and a country with all of them, cost what they hold.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import Bits, Patch, patch_of, rows_in, switch_off, switch_on

Rows = NDArray[np.int32]
Key = TypeVar("Key", bound=Hashable)

NOBODY: Rows = np.empty(0, np.int32)


class RowSets(Generic[Key]):
    """Rows of a call are int32 [M], distinct, ascending; a key without rows is no key."""

    def __init__(self) -> None:
        """No sets."""
        self._bytes = 0
        self._small: dict[Key, Rows] = {}
        self._large: dict[Key, Bits] = {}
        self._patches: dict[Key, Patch] = {}  # of small sets, kept until they change

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes of rows."""
        self._bytes = capacity
        for key, bits in self._large.items():
            self._large[key] = np.concatenate((bits, np.zeros(capacity - len(bits), np.uint8)))

    def __iter__(self) -> Iterator[Key]:
        """The keys that may have rows."""
        yield from self._small
        yield from self._large

    def __contains__(self, key: object) -> bool:
        """Whether the key may have rows."""
        return key in self._small or key in self._large

    def add(self, key: Key, rows: Rows) -> None:
        """Put rows under the key."""
        if not len(rows):
            return
        if key in self._large:
            switch_on(self._large[key], patch_of(rows))
            return
        old = self._small.get(key, NOBODY)
        new = _union(old, rows)
        self._patches.pop(key, None)
        if new.nbytes > max(self._bytes, 64):
            self._small.pop(key, None)
            self._large[key] = np.zeros(self._bytes, np.uint8)
            switch_on(self._large[key], patch_of(new))
        else:
            self._small[key] = new

    def discard(self, key: Key, rows: Rows) -> None:
        """Take rows from the key, whether or not they are there."""
        if key in self._large:
            switch_off(self._large[key], patch_of(rows))
        elif key in self._small:
            self._patches.pop(key, None)
            left = _without(self._small[key], rows)
            if len(left):
                self._small[key] = left
            else:
                del self._small[key]

    def rows(self, key: Key) -> Rows:
        """The key's rows, ascending."""
        if key in self._large:
            return rows_in(self._large[key], 8 * self._bytes)
        return self._small.get(key, NOBODY)

    def switch_on(self, bits: Bits, key: Key) -> None:
        """Set the bits of the key's rows, in place."""
        if key in self._large:
            np.bitwise_or(bits, self._large[key][: len(bits)], out=bits)
        elif key in self._small:
            switch_on(bits, self._patch(key))

    def switch_off(self, bits: Bits, key: Key) -> None:
        """Clear the bits of the key's rows, in place."""
        if key in self._large:
            np.bitwise_and(bits, ~self._large[key][: len(bits)], out=bits)
        elif key in self._small:
            switch_off(bits, self._patch(key))

    def _patch(self, key: Key) -> Patch:
        if key not in self._patches:
            self._patches[key] = patch_of(self._small[key])
        return self._patches[key]


def union_of(sets: Iterable[Rows]) -> Rows:
    """All rows of sets that share none, ascending."""
    together = [NOBODY, *sets]
    return np.sort(np.concatenate(together))


def _union(old: Rows, new: Rows) -> Rows:
    if not len(old):
        return new.astype(np.int32)  # a copy: the caller's may be a view of much more
    if old[-1] < new[0]:
        return np.concatenate((old, new))
    if len(new) == 1:
        place = int(old.searchsorted(new[0]))
        return old if old[place] == new[0] else np.concatenate((old[:place], new, old[place:]))
    both = np.sort(np.concatenate((old, new)), kind="stable")
    return both[np.concatenate(([True], both[1:] != both[:-1]))]


def _without(old: Rows, gone: Rows) -> Rows:
    if len(gone) == 1:
        place = int(old.searchsorted(gone[0]))
        there = place < len(old) and old[place] == gone[0]
        return np.concatenate((old[:place], old[place + 1 :])) if there else old
    return np.setdiff1d(old, gone, assume_unique=True)
