"""AdIndex: the ads whose vectors have the largest inner product with a request's, filtered while searching.

Vectors lie by catalog row. Up to some ten thousand ads the search is exact: one matrix product, as quick as
faiss' own flat index at this size, and replacing a vector is writing it. Above, faiss narrows first by an
inverted file over 8-bit vectors (IVF,SQ8), which takes additions and removals while it serves, and what it
finds is scored again with the full vectors. Where a filter keeps few enough ads, these are all read instead.

Letters: N rows, K width of a vector, M rows of a call.
"""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import are_in, patch_of, rows_in, switch_off, switch_on
from adcascade.catalog.packed.image import Array, Image, below
from adcascade.retrieval.best import best
from adcascade.retrieval.mapped_lists import MappedLists, pack_lists

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Bits = NDArray[np.uint8]
_faiss: Any = faiss  # its stubs do not know what its Python layer adds


@dataclass(frozen=True, kw_only=True)
class IndexConfig:
    """When to approximate, and how closely."""

    exact_up_to: int = 50_000  # ads that are all read; of more, IVF,SQ8 reads some
    lists: int | None = None  # of the inverted file; None: the power of two next to 4 sqrt(M)
    probes: int | None = None  # lists read where the filter keeps all; None: an eighth of them
    fetch: int = 3  # times k that are fetched from the lists and scored again
    seed: int = 0


class AdIndex:
    """`build` once from what there is, then `add` and `remove` live; one thread at a time."""

    def __init__(self, width: int, config: IndexConfig | None = None) -> None:
        """An empty index of vectors of `width`."""
        self.width = width
        self.config = config or IndexConfig()
        self._vectors: Floats = np.zeros((0, width), np.float32)
        self._present: Bits = np.zeros(0, np.uint8)
        self._count = 0
        self._ivf: Any = None  # faiss.IndexIVFScalarQuantizer; None: exact

    def __len__(self) -> int:
        """The number of ads in the index."""
        return self._count

    @property
    def is_exact(self) -> bool:
        """Whether every search reads every vector."""
        return self._ivf is None

    def build(self, rows: Rows, vectors: Floats) -> None:
        """Start anew with these ads, int32 [M] and float32 [M, K]; approximate if they are many."""
        self._vectors, self._present = np.zeros((0, self.width), np.float32), np.zeros(0, np.uint8)
        self._count, self._ivf = 0, None
        if len(rows) > self.config.exact_up_to:
            self._ivf = _train(vectors, self.config)
        self.add(rows, vectors)

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

    def pack(self) -> dict[str, Array]:
        """What `build` made, as arrays for an image."""
        lists = {} if self._ivf is None else below("lists", pack_lists(self._ivf))
        return {"vectors": self._vectors, "present": self._present, "count": np.array([self._count]), **lists}

    def unpack(self, image: Image) -> None:
        """Become what `pack` wrote; vectors and lists stay in the file, which is copied where it is changed."""
        self._vectors, self._present = image.arrays["vectors"], image.arrays["present"]
        self._count = int(image.arrays["count"][0])
        lists = image.part("lists")
        self._ivf = MappedLists(lists) if lists.arrays else None

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
        wanted = self._wanted(bits)
        kept = int(np.bitwise_count(wanted).sum())
        if self._ivf is None or k == 0 or kept <= self.config.exact_up_to:
            rows = rows_in(wanted, len(wanted) * 8)
            scores = self._product(query, rows, wanted)
        else:
            rows = self._near(query, k, wanted, kept)
            scores = self._vectors[rows] @ query
        return best(rows, scores if bonus is None else scores + bonus[rows], k)

    def _wanted(self, bits: Bits) -> Bits:
        size = min(len(bits), len(self._present))
        return bits[:size] & self._present[:size]

    def _product(self, query: Floats, rows: Rows, wanted: Bits) -> Floats:
        """query . vector of the rows [M], by gathering few rows or multiplying all."""
        if 4 * len(rows) < len(wanted) * 8:
            scores: Floats = self._vectors[rows] @ query
        else:
            scores = (self._vectors[: len(wanted) * 8] @ query)[rows]
        return scores

    def _near(self, query: Floats, k: int, wanted: Bits, kept: int) -> Rows:
        """Rows from the lists nearest to the query; the fewer rows the filter keeps, the more lists are read."""
        probes = min(-(-self._ivf.nprobe * self._count // kept), self._ivf.nlist)
        given = _faiss.SearchParametersIVF(sel=_faiss.IDSelectorBitmap(wanted), nprobe=probes)
        _, found = self._ivf.search(query[None], k * self.config.fetch, params=given)
        rows: Rows = found[0][found[0] >= 0].astype(np.int32)
        return rows

    def _grow(self, n: int) -> None:
        if n > len(self._vectors):
            capacity = max(-(-n // 8) * 8, 2 * len(self._vectors), 64)
            vectors = np.zeros((capacity, self.width), np.float32)
            vectors[: len(self._vectors)] = self._vectors
            self._vectors = vectors
            self._present = np.concatenate((self._present, np.zeros(capacity // 8 - len(self._present), np.uint8)))


def search_slow(
    vectors: dict[int, Floats], query: Floats, k: int, bits: Bits, bonus: Floats | None = None
) -> tuple[Rows, Floats]:
    """`AdIndex.search` ad by ad over vectors by row: the twin that recall is measured against."""
    rows = [row for row in sorted(vectors) if row < 8 * len(bits) and bits[row // 8] >> (row % 8) & 1]
    scores = [float(vectors[row] @ query) + (0.0 if bonus is None else float(bonus[row])) for row in rows]
    return best(np.array(rows, np.int32), np.array(scores, np.float32), k)


def _train(vectors: Floats, config: IndexConfig) -> Any:
    """An empty IVF,SQ8 whose lists and ranges are learned from the vectors [M, K]."""
    lists = config.lists or 2 ** round(np.log2(4 * np.sqrt(len(vectors))))
    lists = min(lists, len(vectors))
    width = vectors.shape[1]
    quantizer = _faiss.IndexFlatIP(width)
    index = _faiss.IndexIVFScalarQuantizer(
        quantizer, width, lists, _faiss.ScalarQuantizer.QT_8bit, _faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed, index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1234 + config.seed, 1, 64
    sample = vectors
    if len(vectors) > 64 * lists:
        chosen = np.random.default_rng(config.seed).choice(len(vectors), 64 * lists, replace=False)
        sample = vectors[np.sort(chosen)]
    index.train(np.ascontiguousarray(sample, np.float32))
    index.set_direct_map_type(_faiss.DirectMap.Hashtable)
    index.nprobe = min(config.probes or max(lists // 8, 1), lists)
    return index
