"""NeuralSearch: the ads that a neural network scores best, as one Searcher: exact for few ads, a beam walk for many.

An ad is its vector e_v, which says what it is near to, and its side of the network, which is all that scores read. The
graph over the e_v comes with the bundle and is brought up to date with the catalog; ads that come, change and go while
it serves are linked and tombstoned, without a rebuild until the graph is worn (graph.py). Filters hold for results: a
walk passes through whatever is near. Where a filter keeps few ads, these are all scored; where it keeps a share of
them, the beams are wider by as much as it keeps less.

Letters: N capacity in catalog rows, M rows of a call, E width of e_v.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import are_in, patch_of, rows_in, switch_off, switch_on
from adcascade.catalog.packed.image import Array, Image, below
from adcascade.contracts import Batch
from adcascade.features import AdFeatures
from adcascade.retrieval.beam_walk import WalkConfig, beam_walk
from adcascade.retrieval.best import best
from adcascade.retrieval.graph import GraphConfig, ProximityGraph
from adcascade.retrieval.neural_ads import NeuralAds, read_array
from adcascade.retrieval.neural_network import UserSide
from adcascade.retrieval.searcher import Bits, Floats, Rows

MOVED = 1e-3  # a coordinate of e_v that differs by more: the ad was changed since the graph was made
VECTORS = "vectors.npy"


@dataclass(frozen=True, kw_only=True)
class NeuralConfig:
    """When to walk, and how."""

    exact_up_to: int = 4_000  # ads that are all scored
    exact_share: float = 0.2  # a filter that keeps less of the ads has all it keeps scored
    walk: WalkConfig = field(default_factory=WalkConfig)
    insertion: WalkConfig = field(default_factory=lambda: WalkConfig(entry_beam=8, upper_beam=16, beam=48, rounds=8))
    graph: GraphConfig = field(default_factory=GraphConfig)


class NeuralSearch:
    """A query is the network's UserSide. `search_exact` is the brute-force twin of `search`."""

    def __init__(self, ads: NeuralAds, config: NeuralConfig, made: tuple[ProximityGraph, Floats] | None = None) -> None:
        """Nothing to be found yet. made: a graph and the vectors [N, E] it was made of, for `build` to go on from."""
        self.config = config
        self._ads, self._made = ads, made
        self.vectors: Floats = np.zeros((0, ads.network.width), np.float32)
        self._sides: Floats = np.zeros((0, ads.network.side_width), np.float32)
        self.graph = ProximityGraph.build(np.empty(0, np.int32), self.vectors, config.graph)
        self._present: Bits = np.zeros(0, np.uint8)
        self._count = 0

    @classmethod
    def load(cls, folder: Path, features: AdFeatures, config: NeuralConfig) -> Self:
        """What NannLearner exported: the network, and the graph of the ads that were there."""
        made = (ProximityGraph.load(folder), read_array(folder / VECTORS)) if (folder / VECTORS).exists() else None
        return cls(NeuralAds(folder, features), config, made)

    def __len__(self) -> int:
        """The number of ads that can be found."""
        return self._count

    def query(self, request: Batch) -> UserSide:
        """The request's side of the network."""
        return self._ads.request(request)

    def score(self, query: UserSide, rows: Rows) -> Floats:
        """s_u(v) of rows that are, or were, in the index."""
        return self._ads.network.score_rows(query, self._sides, rows)

    def search(self, query: UserSide, k: int, bits: Bits, bonus: Floats) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap with the highest s_u(v) + bonus[row] that the walk meets."""
        wanted = self._wanted(bits)
        kept = int(np.bitwise_count(wanted).sum())
        share = kept / max(self._count, 1)
        if kept <= self.config.exact_up_to or share < self.config.exact_share:
            return self.search_exact(query, k, bits, bonus)
        walk = self.config.walk.times(max(1 / share, k / self.config.walk.beam))
        rows, scores = beam_walk(self.graph, lambda rows: self.score(query, rows) + bonus[rows], walk)
        inside = _inside(wanted, rows)
        return best(rows[inside], scores[inside], k)

    def search_exact(self, query: UserSide, k: int, bits: Bits, bonus: Floats) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap with the highest s_u(v) + bonus[row]: all are scored."""
        wanted = self._wanted(bits)
        rows = rows_in(wanted, len(wanted) * 8)
        return best(rows, self.score(query, rows) + bonus[rows], k)

    def build(self, rows: Rows) -> None:
        """Start anew with these ads; a graph that was made before is brought up to date, or else built."""
        self.vectors, self._sides = self.vectors[:0], self._sides[:0]
        self._present, self._count = np.zeros(0, np.uint8), 0
        self._place(rows)
        if self._made is None:
            self.graph = ProximityGraph.build(rows, self.vectors[rows], self.config.graph)
            return
        (self.graph, before), self._made = self._made, None
        self._grow(len(before))
        there = rows[rows < len(before)]
        moved = np.abs(before[there] - self.vectors[there]).max(axis=1) > MOVED
        gone = np.ones(len(before), np.bool_)
        gone[there] = False
        self._write(np.flatnonzero(gone), before[gone])
        self.graph.remove(int((gone & before.any(axis=1)).sum()))
        self._link(np.concatenate((there[moved], rows[rows >= len(before)])))

    def put(self, rows: Rows) -> None:
        """Insert or replace: each is linked to what lies near, some hundred microseconds an ad."""
        self._place(rows)
        self._link(rows)

    def remove(self, rows: Rows) -> None:
        """Never found from now on; walks still pass through."""
        rows = rows[rows < len(self.vectors)]
        rows = rows[are_in(self._present, rows)]
        switch_off(self._present, patch_of(rows))
        self._count -= len(rows)
        self.graph.remove(len(rows))
        self._mend()

    def save(self, folder: Path) -> None:
        """Write graph.npz and vectors.npy, which `load` reads."""
        self.graph.save(folder)
        np.save(folder / VECTORS, self.vectors)

    def pack(self) -> dict[str, Array]:
        """What `build` made, as arrays for an image."""
        numbers = {"present": self._present, "count": np.array([self._count])}
        return {"vectors": self.vectors, "sides": self._sides, **numbers, **below("graph", self.graph.pack())}

    def unpack(self, image: Image) -> None:
        """Become what `pack` wrote of the same network's ads."""
        self._made = None
        self.vectors, self._sides = image.arrays["vectors"], image.arrays["sides"]
        self._present = image.arrays["present"]
        self._count = int(image.arrays["count"][0])
        self.graph = ProximityGraph.unpack(image.part("graph").arrays)

    def _place(self, rows: Rows) -> None:
        """Write the vectors of distinct rows, which can be found from now on."""
        if len(rows):
            self._grow(int(rows.max()) + 1)
            self._write(rows, self._ads.vectors(rows))
            self._count += len(rows) - int(are_in(self._present, rows).sum())
            switch_on(self._present, patch_of(rows))

    def _write(self, rows: NDArray[np.integer], vectors: Floats) -> None:
        """Of these rows, for which there is room: e_v, and what the network makes of it."""
        self.vectors[rows] = vectors
        self._sides[rows] = self._ads.network.item_sides(vectors)

    def _link(self, rows: Rows) -> None:
        for row in rows.tolist():
            self.graph.insert(row, self.vectors, self._near(self.vectors[row]))
        self._mend()

    def _near(self, vector: Floats) -> Rows:
        """Rows near a vector [E], the nearest first."""

        def nearness(rows: Rows) -> Floats:
            apart = self.vectors[rows] - vector
            near: Floats = -np.einsum("ne,ne->n", apart, apart)
            return near

        walk = self.config.insertion
        return best(*beam_walk(self.graph, nearness, walk), walk.beam)[0]

    def _mend(self) -> None:
        """Build the graph anew where it is worn."""
        if self.graph.is_worn(self.config.graph):
            rows = rows_in(self._present, len(self._present) * 8)
            self.graph = ProximityGraph.build(rows, self.vectors[rows], self.config.graph)

    def _wanted(self, bits: Bits) -> Bits:
        size = min(len(bits), len(self._present))
        return bits[:size] & self._present[:size]

    def _grow(self, n: int) -> None:
        if n > len(self.vectors):
            capacity = max(-(-n // 8) * 8, 2 * len(self.vectors), 64)
            self.vectors, self._sides = _grown(self.vectors, capacity), _grown(self._sides, capacity)
            more = np.zeros(-(-capacity // 8) - len(self._present), np.uint8)
            self._present = np.concatenate((self._present, more))


def _grown(array: Floats, n: int) -> Floats:
    """The array with n rows, the new ones 0."""
    grown = np.zeros((n, array.shape[1]), np.float32)
    grown[: len(array)] = array
    return grown


def _inside(bits: Bits, rows: Rows) -> NDArray[np.bool_]:
    """Whether each row is in the bitmap, which may be shorter than the catalog."""
    inside = rows < 8 * len(bits)
    inside[inside] = are_in(bits, rows[inside])
    return inside
