"""RowSets: sets of rows by key. A small set is an array of its rows, a large one a bitmap, whichever takes less memory.

So a million cities with a handful of ads each, and a country with all of them, cost what they hold. Sets that come from
an image lie in it until they change.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bit_passes import clear, clear_rows, set_rows
from adcascade.catalog.bitmaps import Bits, patch_of, rows_in, switch_off, switch_on
from adcascade.catalog.packed.image import Array, Arrays, below, part, plain, read_plain
from adcascade.catalog.packed.sets import Entry, PackedSets, pack_lists, pack_sets
from adcascade.catalog.packed.texts import NOWHERE

Rows = NDArray[np.int32]
Key = TypeVar("Key", bound=Hashable)

NOBODY: Rows = np.empty(0, np.int32)


class Written(NamedTuple):
    """How keys are written in an image: as texts, and back."""

    text: Callable[[Any], str]
    key: Callable[[str], Any]


TEXTS = Written(str, str)
NUMBERS = Written(str, int)  # 0, 1, 2, ...: an image needs no texts for them


class RowSets(Generic[Key]):
    """Rows of a call are int32 [M], distinct, ascending; a key without rows is no key."""

    def __init__(self, written: Written = TEXTS) -> None:
        """No sets. written: how an image holds the keys."""
        self._written = written
        self._base: PackedSets | None = None  # of keys that are neither small nor large
        self._bytes = 0
        self._small: dict[Key, Rows] = {}  # empty ones hide the base's
        self._large: dict[Key, Bits] = {}

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes of rows."""
        self._bytes = capacity
        for key, bits in self._large.items():
            self._large[key] = np.concatenate((bits, np.zeros(capacity - len(bits), np.uint8)))

    def __iter__(self) -> Iterator[Key]:
        """The keys that may have rows."""
        yield from (key for key, rows in self._small.items() if len(rows))
        yield from self._large
        if self._base is not None:
            keys = map(self._written.key, self._base.texts())
            yield from (key for key in keys if key not in self._small and key not in self._large)

    def __contains__(self, key: Key) -> bool:
        """Whether the key may have rows."""
        return key in self._large or len(self._held(key)) > 0

    def _held(self, key: Key) -> Rows:
        """The rows of a key that is not large; not to be written."""
        rows = self._small.get(key)
        return self._mapped(key) if rows is None else rows

    def _mapped(self, key: Key) -> Rows:
        """The rows that the base has under the key."""
        if self._base is None:
            return NOBODY
        number = self._base.find(key if isinstance(key, int) else self._written.text(key))
        return NOBODY if number == NOWHERE else self._base.rows(number)

    def add(self, key: Key, rows: Rows) -> None:
        """Put rows under the key."""
        if not len(rows):
            return
        if key in self._large:
            switch_on(self._large[key], patch_of(rows))
            return
        new = _union(self._held(key), rows)
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
        elif len(held := self._held(key)):
            left = _without(held, rows)
            if len(left) or self._base is not None:
                self._small[key] = left
            else:
                del self._small[key]

    def rows(self, key: Key) -> Rows:
        """The key's rows, ascending."""
        if key in self._large:
            return rows_in(self._large[key], 8 * self._bytes)
        return self._held(key)

    def large(self, key: Key) -> Bits | None:
        """The bitmap of a large set; None of any other. Not to be written."""
        return self._large.get(key)

    def switch_on(self, bits: Bits, key: Key) -> None:
        """Set the bits of the key's rows, in place."""
        if key in self._large:
            np.bitwise_or(bits, self._large[key][: len(bits)], out=bits)
        elif len(rows := self._held(key)):
            set_rows(bits, rows)

    def switch_off(self, bits: Bits, key: Key) -> None:
        """Clear the bits of the key's rows, in place."""
        if key in self._large:
            clear(bits, self._large[key][: len(bits)])
        elif len(rows := self._held(key)):
            clear_rows(bits, rows)

    # ---- images

    def pack(self) -> dict[str, Array]:
        """All sets as arrays."""
        large = {"large": plain([self._written.text(key) for key in self._large])}
        if self._large:
            large["bits"] = np.stack(list(self._large.values()))
        large["capacity"] = np.array([self._bytes])
        small = [key for key in self if key not in self._large]
        if self._written is NUMBERS:
            held: dict[Any, Rows] = {key: self._held(key) for key in small}
            lists = [held.get(number, NOBODY) for number in range(max(held, default=-1) + 1)]
            return large | below("small", pack_lists(lists))
        return large | below("small", pack_sets(Entry(self._written.text(key), self._held(key)) for key in small))

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote; the arrays stay where they are."""
        self._bytes = int(arrays["capacity"][0])
        keys = map(self._written.key, read_plain(arrays["large"]))
        self._large = dict(zip(keys, arrays["bits"], strict=True)) if "bits" in arrays else {}
        self._base = PackedSets(part(arrays, "small"))


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
