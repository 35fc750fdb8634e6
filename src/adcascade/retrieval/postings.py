"""Postings: rows by term and terms by row; a million ads' may lie in an image, and what changed since beside it.

Letters: N rows of an image, T its terms, M rows of a term.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import Bits, are_in, patch_of, switch_on
from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.packed.sets import PackedSets
from adcascade.catalog.packed.texts import NOWHERE, Texts, packed

Rows = NDArray[np.int32]

_NOBODY = np.empty(0, np.int32)


class Postings:
    """Rows by term, as arrays at hand; a row keeps its terms so that it can be taken out."""

    def __init__(self) -> None:
        """No rows."""
        self._rows: dict[str, set[int]] = {}
        self._arrays: dict[str, Rows] = {}
        self._changes: dict[str, int] = {}  # of terms that changed
        self._terms: dict[int, frozenset[str]] = {}
        self._names = Texts.of(())  # T, of an image
        self._mapped = self._terms_of = PackedSets({"ends": np.zeros(1, np.int64), "rows": _NOBODY})
        self._moved: Bits = np.zeros(0, np.uint8)  # rows of which the image holds no more
        self._count = 0  # rows with terms that lie in the image

    def __len__(self) -> int:
        """The number of rows with terms."""
        return self._count + len(self._terms)

    def put(self, row: int, terms: Iterable[str]) -> None:
        """The row has these terms and no others; none: it is taken out."""
        new = frozenset(terms)
        in_image = row < len(self._terms_of) and not self._moved[row >> 3] >> (row & 7) & 1
        if in_image and self._move(row, new):
            return
        old = self._terms.get(row, frozenset())
        for term in old - new:
            self._rows[term].discard(row)
            self._forget(term)
        for term in new - old:
            self._rows.setdefault(term, set()).add(row)
            self._forget(term)
        if new:
            self._terms[row] = new
        else:
            self._terms.pop(row, None)

    def changes(self, term: str) -> int:
        """A number that is another one after each change of the term's rows."""
        return self._changes.get(term, 0)

    def _forget(self, term: str) -> None:
        self._arrays.pop(term, None)
        self._changes[term] = self._changes.get(term, 0) + 1

    def _move(self, row: int, new: frozenset[str]) -> bool:
        """Take a row out of the image, unless the image has these very terms: then True."""
        old = {self._names[number] for number in self._terms_of.rows(row).tolist()}
        if old == new:
            return True
        switch_on(self._moved, patch_of(np.array([row])))
        self._count -= bool(old)
        for term in old:
            self._forget(term)
        return False

    def rows(self, term: str) -> Rows:
        """The rows of a term, ascending, int32 [M]."""
        if term not in self._arrays:
            mapped, own = self._still_mapped(term), self._rows.get(term, ())
            both = np.sort(np.concatenate((mapped, np.fromiter(own, np.int32, len(own))))) if own else mapped
            if not len(both):
                return both  # of words that nobody has there is no end
            self._arrays[term] = both
        return self._arrays[term]

    def _still_mapped(self, term: str) -> Rows:
        number = self._names.find(term)
        if number == NOWHERE:
            return _NOBODY
        rows = self._mapped.rows(number)
        gone = are_in(self._moved, rows)
        return rows[~gone] if gone.any() else rows

    # ---- images

    def pack(self) -> dict[str, Array]:
        """All rows and terms as arrays; of what was not opened from an image."""
        last = max(self._terms, default=-1)
        numbers: dict[str, int] = {}
        of_rows = [
            sorted(numbers.setdefault(term, len(numbers)) for term in self._terms.get(row, ()))
            for row in range(last + 1)
        ]
        lengths = np.array([len(of_row) for of_row in of_rows], np.int64)
        terms = np.fromiter((number for of_row in of_rows for number in of_row), np.int32, int(lengths.sum()))
        order = np.argsort(terms, kind="stable")
        rows = np.repeat(np.arange(last + 1, dtype=np.int32), lengths)[order]
        counts = np.bincount(terms, minlength=len(numbers))
        return {
            **below("names", packed(numbers)),
            **below("terms", {"ends": _ends(lengths), "rows": terms}),
            **below("rows", {"ends": _ends(counts), "rows": rows}),
            "count": np.array([len(self._terms)]),
        }

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote; only into what is new."""
        self._names = Texts(part(arrays, "names"))
        self._mapped, self._terms_of = PackedSets(part(arrays, "rows")), PackedSets(part(arrays, "terms"))
        self._moved = np.zeros(-(-len(self._terms_of) // 8), np.uint8)
        self._count = int(arrays["count"][0])


def _ends(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Where stretches of these lengths begin and end: [n] -> [n + 1]."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))
