"""AdIndex: the ads whose vectors have the largest inner product with a request's, filtered while searching.

Vectors lie by catalog row. Up to twenty thousand ads the search is exact: one matrix product, as quick as
faiss' own flat index at this size, and replacing a vector is writing it. Above, faiss narrows first by an
inverted file over 8-bit vectors (inverted_file.py), which takes additions and removals while it serves, and what
it finds is scored again with the full vectors. Where a filter keeps few enough ads, these are all read instead.

Letters: N rows, K width of a vector, M rows of a call.
"""

import math
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import are_in, patch_of, rows_in, switch_off, switch_on
from adcascade.retrieval.best import best
from adcascade.retrieval.inverted_file import IndexConfig, Wanted, probes_for, trained

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Bits = NDArray[np.uint8]
_faiss: Any = faiss  # its stubs do not know what its Python layer adds


class AdIndex:
    """`build` once from what there is, then `add` and `remove` live; one thread at a time."""

    def __init__(self, width: int, config: IndexConfig | None = None) -> None:
        """An empty index of vectors of `width`."""
        self.width = width
        self.config = config or IndexConfig()
        self._vectors: Floats = np.zeros((0, width), np.float32)
        self._present: Bits = np.zeros(0, np.uint8)
        self._wanted = Wanted(0)
        self._count = 0
        self._ivf: Any = None  # faiss.IndexIVFScalarQuantizer; None: exact

    def __len__(self) -> int:
        """The number of ads in the index."""
        return self._count

    @property
    def is_exact(self) -> bool:
        """Whether every search reads every vector."""
        return self._ivf is None

    @property
    def lists(self) -> int:
        """How many lists the vectors lie in; 0 where every search reads every vector."""
        return 0 if self._ivf is None else int(self._ivf.nlist)

    @property
    def probes(self) -> int:
        """How many of them a search without a filter reads."""
        return 0 if self._ivf is None else int(self._ivf.nprobe)

    @probes.setter
    def probes(self, number: int) -> None:
        if self._ivf is not None:
            self._ivf.nprobe = number

    def build(self, rows: Rows, vectors: Floats) -> None:
        """Start anew with these ads, int32 [M] and float32 [M, K]; approximate if they are many."""
        self._vectors, self._present = np.zeros((0, self.width), np.float32), np.zeros(0, np.uint8)
        self._count, self._ivf = 0, None
        if len(rows) > self.config.exact_up_to:
            self._ivf = trained(vectors, self.config)
        self.add(rows, vectors)
        if self._ivf is not None and self.config.probes is None:
            self.probes = probes_for(self._ivf, rows, vectors, self.config)

    def add(self, rows: Rows, vectors: Floats) -> None:
        """Insert or replace the vectors [M, K] of distinct rows [M]; found from now on."""
        if not len(rows):
            return
        self.remove(rows)
        self._grow(int(rows.max()) + 1)
        self._vectors[rows] = vectors
        switch_on(self._present, patch_of(rows))
        self._count += len(rows)
        if self._ivf is not None:
            self._ivf.add_with_ids(np.ascontiguousarray(vectors, np.float32), rows.astype(np.int64))

    def remove(self, rows: Rows) -> None:
        """Take distinct rows out, whether or not they are in; never found from now on."""
        rows = rows[rows < len(self._vectors)]
        rows = rows[are_in(self._present, rows)]
        if not len(rows):
            return
        switch_off(self._present, patch_of(rows))
        self._count -= len(rows)
        if self._ivf is not None:
            self._ivf.remove_ids(_faiss.IDSelectorArray(rows.astype(np.int64)))

    def vectors(self, rows: Rows) -> Floats:
        """The vectors [M, K] of rows that are in the index."""
        found: Floats = self._vectors[rows]
        return found

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether each row is in the index, bool [M]."""
        inside = np.zeros(len(rows), np.bool_)
        known = rows < len(self._vectors)
        inside[known] = are_in(self._present, rows[known])
        return inside

    def search(self, query: Floats, k: int, bits: Bits, bonus: Floats | None = None) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap with the highest query . vector + bonus[row], best first, and these scores.

        query [K]; bits as Snapshot.eligible gives them; bonus float32 [N], what a row is worth beside its vector.
        """
        kept = self._wanted.put(bits, self._present)
        if self._ivf is None or k == 0 or kept <= self.config.gather_up_to:
            rows = rows_in(self._wanted.bits, len(self._present) * 8)
            scores = self._product(query, rows)
        else:
            fetch = self.config.slack if bonus is None else self.config.fetch
            rows = self._near(query, round(k * fetch), kept)
            scores = self._vectors[rows] @ query
        return best(rows, scores if bonus is None else scores + bonus[rows], k)

    def _product(self, query: Floats, rows: Rows) -> Floats:
        """query . vector of the rows [M], by gathering few rows or multiplying all."""
        if 4 * len(rows) < len(self._vectors):
            scores: Floats = self._vectors[rows] @ query
        else:
            scores = (self._vectors @ query)[rows]
        return scores

    def _near(self, query: Floats, count: int, kept: int) -> Rows:
        """Rows from the lists nearest to the query.

        The best of what a filter keeps lie farther out, but in fewer lists than chance would say: where it keeps one
        of n, sqrt(n) times as many lists find as large a share of them (`adcascade bench retrieval`).
        """
        probes = min(math.ceil(self.probes * math.sqrt(self._count / kept)), self.lists)
        given = self._wanted.parameters(probes, everything=kept == self._count)
        _, found = self._ivf.search(query[None], count, params=given)
        rows: Rows = found[0][found[0] >= 0].astype(np.int32)
        return rows

    def _grow(self, n: int) -> None:
        if n > len(self._vectors):
            capacity = max(-(-n // 64) * 64, 2 * len(self._vectors))
            vectors = np.zeros((capacity, self.width), np.float32)
            vectors[: len(self._vectors)] = self._vectors
            self._vectors = vectors
            self._present = np.concatenate((self._present, np.zeros(capacity // 8 - len(self._present), np.uint8)))
            self._wanted = Wanted(capacity // 8)


def search_slow(
    vectors: dict[int, Floats], query: Floats, k: int, bits: Bits, bonus: Floats | None = None
) -> tuple[Rows, Floats]:
    """`AdIndex.search` ad by ad over vectors by row: the twin that recall is measured against."""
    rows = [row for row in sorted(vectors) if row < 8 * len(bits) and bits[row // 8] >> (row % 8) & 1]
    scores = [float(vectors[row] @ query) + (0.0 if bonus is None else float(bonus[row])) for row in rows]
    return best(np.array(rows, np.int32), np.array(scores, np.float32), k)
