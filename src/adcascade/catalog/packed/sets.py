"""PackedSets: sets of rows by key, end to end; the beginning of `RowSets` that come from an image.

Keys are texts (`Texts`), or numbers 0, 1, 2, ... (then there are none). Letters: K keys, R rows together.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.packed.texts import NOWHERE, Texts, packed

Rows = NDArray[np.int32]


class PackedSets:
    """Rows of key k: int32, ascending."""

    def __init__(self, arrays: Arrays) -> None:
        """arrays: as `pack_sets` made them."""
        names = part(arrays, "keys")
        self._keys = Texts(names) if names else None
        self._ends = arrays["ends"].data  # int64 [K + 1]
        self._rows: Rows = arrays["rows"]  # int32 [R]

    def __len__(self) -> int:
        """K."""
        return len(self._ends) - 1

    def find(self, key: str | int) -> int:
        """The number of a key, NOWHERE for one that is not there."""
        if self._keys is not None:
            return self._keys.find(str(key))
        return int(key) if 0 <= int(key) < len(self) else NOWHERE

    def rows(self, number: int) -> Rows:
        """The rows of the key of this number; a view, not to be written."""
        return self._rows[self._ends[number] : self._ends[number + 1]]

    def count(self, number: int) -> int:
        """How many rows."""
        return self._ends[number + 1] - self._ends[number]

    def texts(self) -> Iterator[str]:
        """The keys in order; numbers as texts."""
        return iter(self._keys) if self._keys is not None else map(str, range(len(self)))


class Entry(NamedTuple):
    """One set to pack."""

    key: str
    rows: Rows


def pack_sets(entries: Iterable[Entry]) -> dict[str, Array]:
    """The arrays of `PackedSets` with texts as keys."""
    kept = list(entries)
    return {**below("keys", packed([entry.key for entry in kept])), **pack_lists([entry.rows for entry in kept])}


def pack_lists(lists: Sequence[Rows]) -> dict[str, Array]:
    """The arrays of `PackedSets` with numbers as keys."""
    ends = np.concatenate(([0], np.cumsum([len(rows) for rows in lists], dtype=np.int64)))
    rows = np.concatenate([np.empty(0, np.int32), *lists]).astype(np.int32)
    return {"ends": ends.astype(np.int64), "rows": rows}
