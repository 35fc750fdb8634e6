"""Texts: a list of texts as their bytes end to end, and a table of places that finds the number of a text.

The table is a hash table with linear probing, made at once: sorted by their home h(text), texts take the next free
place each, which is a running maximum. Letters: K texts, S places.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.packed.image import Array, Arrays

NOWHERE = -1
KEPT = 1_024  # answers at hand


class Texts(Sequence[str]):
    """K texts by number; `find` knows those that are listed."""

    def __init__(self, arrays: Arrays) -> None:
        """arrays: as `packed` made them."""
        self._arrays = dict(arrays)
        self._bytes = arrays["bytes"].data
        self._ends = arrays["ends"].data  # int64 [K + 1]
        self._places = arrays["places"].data  # int32 [S], NOWHERE: free
        self._homes = int(arrays["homes"][0])  # h(text) is below
        self._asked: dict[str, int] = {}
        self.listed = int(arrays["homes"][1])  # how many texts can be found

    @classmethod
    def of(cls, texts: Sequence[str], listed: NDArray[np.bool_] | None = None) -> Self:
        """Distinct texts; listed: bool [K], which of them can be found, all by default."""
        return cls(packed(texts, listed))

    @property
    def arrays(self) -> dict[str, Array]:
        """What an image keeps."""
        return self._arrays

    def __len__(self) -> int:
        """K."""
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> str:  # type: ignore[override]  # one text at a time
        """The text of a number, 0 <= number < K."""
        return str(self._raw(number), "utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        """All texts, in order."""
        return (self[number] for number in range(len(self)))

    def _raw(self, number: int) -> memoryview:
        return self._bytes[self._ends[number] : self._ends[number + 1]]

    def find(self, text: str) -> int:
        """The number of a listed text, NOWHERE for any other; what was asked for lately is at hand."""
        number = self._asked.get(text)
        if number is None:
            if len(self._asked) >= KEPT:
                self._asked.clear()
            number = self._asked[text] = self._find(text)
        return number

    def _find(self, text: str) -> int:
        raw = text.encode("utf-8", "surrogatepass")
        place = zlib.crc32(raw) * self._homes >> 32
        number: int = self._places[place]
        while number != NOWHERE and self._raw(number) != raw:
            place += 1
            number = self._places[place]
        return number


def joined(raws: Sequence[bytes]) -> dict[str, Array]:
    """Byte strings end to end: bytes uint8, and their ends int64 [K + 1]."""
    ends = np.fromiter(accumulate(map(len, raws), initial=0), np.int64, len(raws) + 1)
    return {"bytes": np.frombuffer(b"".join(raws), np.uint8), "ends": ends}


def packed(texts: Iterable[str], listed: NDArray[np.bool_] | None = None) -> dict[str, Array]:
    """The arrays of `Texts`."""
    raws = [text.encode("utf-8", "surrogatepass") for text in texts]
    numbers = np.arange(len(raws)) if listed is None else np.flatnonzero(listed)
    size = max(2 * len(numbers), 1)
    homes = np.array([zlib.crc32(raws[number]) * size >> 32 for number in numbers.tolist()], np.int64)
    order = np.argsort(homes, kind="stable")
    places = np.maximum.accumulate(homes[order] - np.arange(len(order))) + np.arange(len(order))
    table = np.full(max(size, int(places.max(initial=0)) + 1) + 1, NOWHERE, np.int32)  # the last place stays free
    table[places] = numbers[order]
    return {**joined(raws), "places": table, "homes": np.array([size, len(numbers)], np.int64)}
