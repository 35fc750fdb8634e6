"""AdIndex: the ads whose vectors have the largest inner product with a request's, filtered while searching.

Vectors lie by catalog row. Up to twenty thousand ads the search is exact: one matrix product, and replacing a vector
is writing it. Above, an inverted file over 8-bit vectors (inverted_file.py) narrows first, which takes additions and
removals while it serves, and what it finds is scored again with the full vectors. Where ads have a bonus beside their
vector, those of the highest bonus are read too (heads.py). Where a filter keeps few enough ads, these are all read
instead.

Letters: N rows, K width of a vector, M rows of a call.
"""

import math

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import are_in, patch_of, rows_in, switch_off, switch_on
from adcascade.catalog.packed.image import Array, Image, below
from adcascade.retrieval.best import best
from adcascade.retrieval.heads import Heads, with_heads
from adcascade.retrieval.inverted_file import IndexConfig, InvertedFile
from adcascade.retrieval.inverted_scan import Bits, Floats, Rows
from adcascade.retrieval.products import products


class AdIndex:
    """`build` once from what there is, then `add` and `remove` live; one thread at a time."""

    def __init__(self, width: int, config: IndexConfig | None = None) -> None:
        """An empty index of vectors of `width`."""
        self.width = width
        self.config = config or IndexConfig()
        self._vectors: Floats = np.zeros((0, width), np.float32)
        self._present: Bits = np.zeros(0, np.uint8)
        self._wanted: Bits = np.zeros(0, np.uint8)  # of the search that goes on
        self._count = 0
        self._file: InvertedFile | None = None  # None: exact
        self._heads = Heads()

    def __len__(self) -> int:
        """The number of ads in the index."""
        return self._count

    @property
    def is_exact(self) -> bool:
        """Whether every search reads every vector."""
        return self._file is None

    @property
    def lists(self) -> int:
        """How many lists the vectors lie in; 0 where every search reads every vector."""
        return 0 if self._file is None else len(self._file.centres)

    @property
    def probes(self) -> int:
        """How many of them a search without a filter reads."""
        return 0 if self._file is None else self._file.probes

    @probes.setter
    def probes(self, number: int) -> None:
        if self._file is not None:
            self._file.probes = number

    def build(self, rows: Rows, vectors: Floats) -> None:
        """Start anew with these ads, int32 [M] and float32 [M, K]; approximate if they are many."""
        self._vectors, self._present = np.zeros((0, self.width), np.float32), np.zeros(0, np.uint8)
        self._count, self._file = 0, None
        self.add(rows, vectors)
        if len(rows) > self.config.exact_up_to:
            self._file = InvertedFile.made(rows, vectors, self.config)

    def add(self, rows: Rows, vectors: Floats) -> None:
        """Insert or replace the vectors [M, K] of distinct rows [M]; found from now on."""
        if not len(rows):
            return
        self.remove(rows)
        self._grow(int(rows.max()) + 1)
        self._vectors[rows] = vectors
        switch_on(self._present, patch_of(rows))
        self._count += len(rows)
        if self._file is not None:
            self._file.insert(rows, vectors)

    def remove(self, rows: Rows) -> None:
        """Take distinct rows out, whether or not they are in; never found from now on."""
        rows = rows[rows < len(self._vectors)]
        rows = rows[are_in(self._present, rows)]
        if not len(rows):
            return
        switch_off(self._present, patch_of(rows))
        self._count -= len(rows)
        if self._file is not None:
            self._file.delete(rows)

    def pack(self) -> dict[str, Array]:
        """What `build` made, as arrays for an image."""
        lists = {} if self._file is None else below("lists", self._file.pack())
        return {"vectors": self._vectors, "present": self._present, "count": np.array([self._count]), **lists}

    def unpack(self, image: Image) -> None:
        """Become what `pack` wrote; vectors and lists stay in the file, which is copied where it is changed."""
        self._vectors, self._present = image.arrays["vectors"], image.arrays["present"]
        self._wanted = np.zeros_like(self._present)
        self._count = int(image.arrays["count"][0])
        lists = image.part("lists").arrays
        self._file = InvertedFile.unpack(lists) if lists else None

    def score(self, query: Floats, rows: Rows) -> Floats:
        """query [K] . vector of rows [M] that are in the index: [M]."""
        scores: Floats = products(self._vectors, rows, query)
        return scores

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether each row is in the index, bool [M]."""
        inside = np.zeros(len(rows), np.bool_)
        known = rows < len(self._vectors)
        inside[known] = are_in(self._present, rows[known])
        return inside

    def search(self, query: Floats, k: int, bits: Bits, bonus: Floats | None = None) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap with the highest query . vector + bonus[row], best first, and these scores.

        query [K]; bits as Snapshot.eligible gives them; bonus float32 [N], what a row is worth beside its vector: never
        written to, another array where it changes.
        The best of what a filter keeps lie farther out, but in fewer lists than chance would say: where it keeps one
        of n, sqrt(n) times as many lists find as large a share of them (`adcascade bench retrieval`).
        """
        kept = self._filter(bits)
        if self._file is None or k == 0 or kept <= self.config.gather_up_to:
            rows = rows_in(self._wanted, len(self._present) * 8)
            scores = self._product(query, rows)
            return best(rows, scores if bonus is None else scores + bonus[rows], k)
        probes = min(math.ceil(self.probes * math.sqrt(self._count / kept)), self.lists)
        return best(*self._narrowed(self._file, query, k, probes, bonus), k)

    def _narrowed(
        self, file: InvertedFile, query: Floats, k: int, probes: int, bonus: Floats | None
    ) -> tuple[Rows, Floats]:
        """What is wanted of the nearest lists, and of the rows with the highest bonus: rows and their sums."""
        count = round(k * self.config.slack)
        rows = file.near(query, count, probes, self._wanted, bonus)
        sums = products(self._vectors, rows, query)
        if bonus is None:
            return rows, sums
        sums += bonus[rows]
        if probes == self.lists:
            return rows, sums
        told = self._vectors, query, file.ceiling(query, probes)
        more, their, enough = with_heads((rows, sums), k, (self._heads.of(bonus), bonus), self._wanted, told)
        if enough:
            return more, their
        others = file.near(query, count, self.lists, self._wanted, bonus)  # without `rows`, which are wanted no more
        rest = products(self._vectors, others, query) + bonus[others]
        return np.concatenate((rows, others)), np.concatenate((sums, rest))

    def _filter(self, bits: Bits) -> int:
        """Put what `bits` keep of what is present into memory of our own; how many rows that are."""
        size = min(len(bits), len(self._wanted))
        np.bitwise_and(bits[:size], self._present[:size], out=self._wanted[:size])
        self._wanted[size:] = 0
        return int(np.bitwise_count(self._wanted.view(np.uint64)).sum(dtype=np.int64))

    def _product(self, query: Floats, rows: Rows) -> Floats:
        """query . vector of the rows [M], by gathering few rows or multiplying all."""
        if 4 * len(rows) < len(self._vectors):
            scores: Floats = products(self._vectors, rows, query)
        else:
            scores = (self._vectors @ query)[rows]
        return scores

    def _grow(self, n: int) -> None:
        if n > len(self._vectors):
            capacity = max(-(-n // 64) * 64, 2 * len(self._vectors))
            vectors = np.zeros((capacity, self.width), np.float32)
            vectors[: len(self._vectors)] = self._vectors
            self._vectors = vectors
            self._present = np.concatenate((self._present, np.zeros(capacity // 8 - len(self._present), np.uint8)))
            self._wanted = np.zeros(capacity // 8, np.uint8)


def search_slow(
    vectors: dict[int, Floats], query: Floats, k: int, bits: Bits, bonus: Floats | None = None
) -> tuple[Rows, Floats]:
    """`AdIndex.search` ad by ad over vectors by row: the twin that recall is measured against."""
    rows = [row for row in sorted(vectors) if row < 8 * len(bits) and bits[row // 8] >> (row % 8) & 1]
    scores = [float(vectors[row] @ query) + (0.0 if bonus is None else float(bonus[row])) for row in rows]
    return best(np.array(rows, np.int32), np.array(scores, np.float32), k)
