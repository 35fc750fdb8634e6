"""The inverted file of AdIndex: faiss' IVF,SQ8, its lists, how many of them are read, and its filter.

k-means parts the vectors into lists; a search reads the lists whose centres are nearest to the query. How many it must
read to find nearly all of the best hangs on the vectors: in clusters a few, without clusters many. So it is measured
when the index is built, with blends of three ads as queries: they lie between ads, as a user of several interests does.

Letters: M vectors, K their width, B bytes of a bitmap.
"""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Bits = NDArray[np.uint8]
_faiss: Any = faiss  # its stubs do not know what its Python layer adds
QUERIES, BEST = 32, 100  # by which probes are chosen


@dataclass(frozen=True, kw_only=True)
class IndexConfig:
    """When to approximate, and how closely."""

    exact_up_to: int = 20_000  # ads that are all read; of more, IVF,SQ8 reads some
    gather_up_to: int = 4_000  # ads that a filter keeps of more, which are all read
    lists: int | None = None  # of the inverted file; None: the power of two next to 2 sqrt(M)
    probes: int | None = None  # lists read where the filter keeps all; None: as many as `recall` needs
    recall: float = 0.97  # share of the best 100 that is found, by which `probes` are chosen when the index is built
    fetch: int = 3  # times k that are fetched from the lists and scored again, where a bonus orders them anew ...
    slack: float = 1.3  # ... and where nothing but the precision of the lists does
    seed: int = 0


class Wanted:
    """The filter of a search in memory of its own, which faiss reads where it lies: nothing is made anew a search."""

    def __init__(self, size: int) -> None:
        """For bitmaps of `size` bytes, a multiple of 8."""
        self.bits: Bits = np.zeros(size, np.uint8)
        self._words = self.bits.view(np.uint64)
        self._all = _faiss.SearchParametersIVF()
        self._some = _faiss.SearchParametersIVF(sel=_faiss.IDSelectorBitmap(self.bits))

    def put(self, bits: Bits, present: Bits) -> int:
        """Take `bits`, shorter or longer, of what is present [B]; how many rows that keeps."""
        size = min(len(bits), len(self.bits))
        np.bitwise_and(bits[:size], present[:size], out=self.bits[:size])
        self.bits[size:] = 0
        return int(np.bitwise_count(self._words).sum(dtype=np.int64))

    def parameters(self, probes: int, *, everything: bool) -> Any:
        """For faiss: lists to read, and the filter unless it keeps everything."""
        given = self._all if everything else self._some
        given.nprobe = probes
        return given


def trained(vectors: Floats, config: IndexConfig) -> Any:
    """An empty IVF,SQ8 whose lists and ranges are learned from the vectors [M, K]."""
    lists = config.lists or 2 ** round(np.log2(2 * np.sqrt(len(vectors))))
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
    index.nprobe = min(config.probes or lists, lists)
    return index


def probes_for(ivf: Any, rows: Rows, vectors: Floats, config: IndexConfig) -> int:
    """About the fewest lists that find `config.recall` of the exact best of blends of ads; rows [M], vectors [M, K]."""
    random = np.random.default_rng(config.seed)
    queries = vectors[random.integers(len(vectors), size=(QUERIES, 3))].mean(axis=1)
    wanted = min(BEST, len(vectors))
    exact = [rows[np.argpartition(vectors @ query, -wanted)[-wanted:]] for query in queries]
    probes = 1
    while probes < ivf.nlist:
        given = _faiss.SearchParametersIVF(nprobe=probes)
        _, found = ivf.search(queries, round(wanted * config.slack), params=given)
        if np.mean([np.isin(one, other).mean() for one, other in zip(exact, found, strict=True)]) >= config.recall:
            break
        probes += probes // 2 + 1
    return min(probes, int(ivf.nlist))
