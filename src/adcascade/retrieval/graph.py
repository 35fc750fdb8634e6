"""ProximityGraph: which ads lie near which, for walks over vectors by any measure; changed live, saved, loaded.

Built by faiss as an HNSW graph on the l2 distance of the vectors (Malkov & Yashunin 2018), whose links are taken over:
level 0 links all ads, level 1 about one of M, and what is on higher levels are the entry points, all scored at the
start of a walk. Links lie in lines of equal length with room at the end: what a CSR matrix says, and editable.

Live, an ad is linked at level 0 to near ones that do not shade each other (HNSW's rule: a candidate is kept if it lies
nearer to the ad than to every ad kept so far), and these link back, pruned by the same rule. An ad that goes leaves a
tombstone: walks still pass through it, so nothing falls apart. Every change wears the graph; when `wear` of the ads
that were built in have changed, it asks to be built anew (`is_worn`).

Letters: N capacity in catalog rows, M vectors, E their width, D links of a line.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.packed.image import Array, Arrays
from adcascade.errors import BundleError
from adcascade.retrieval.pruning import connect

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
_faiss: Any = faiss  # its stubs do not know what its Python layer adds
FILE = "graph.npz"


@dataclass(frozen=True, kw_only=True)
class GraphConfig:
    """How many links, and when the graph is worn."""

    links: int = 16  # M of HNSW; level 0 has twice as many
    construction: int = 40  # efConstruction
    entries: int = 64  # entry points at least, where there are so many ads
    wear: float = 0.5  # changes for an ad built in, after which a new graph is due


class Level(NamedTuple):
    """The links of one level."""

    line: Rows  # [N] the line of a row, -1 where it is not on this level
    links: Rows  # [m, D] rows, then -1


class ProximityGraph:
    """`build` or `load`, then `insert` live; rows are those of the catalog."""

    def __init__(self, entries: Rows, levels: tuple[Level, Level], *, built: int, changed: int = 0) -> None:
        """levels: 0 and 1; built: ads that it was built from; changed: how many changes it has seen since."""
        self.entries, self.levels = entries, levels
        self.built, self.changed = built, changed
        self._used = len(levels[0].links)  # lines of level 0

    @classmethod
    def build(cls, rows: Rows, vectors: Floats, config: GraphConfig | None = None) -> Self:
        """The graph of distinct rows [M] with these vectors [M, E]; the same on every run."""
        config = config or GraphConfig()
        if not len(rows):
            nothing = np.empty(0, np.int32)
            empty = Level(nothing, np.empty((0, 2 * config.links), np.int32))
            return cls(nothing, (empty, Level(nothing, np.empty((0, config.links), np.int32))), built=0)
        height, offsets, neighbours = _hnsw(vectors, config)
        levels = []
        for level, start in ((0, 0), (1, 2 * config.links)):
            there = np.flatnonzero(height > level)
            width = config.links * (2 - level)
            links = neighbours[offsets[there][:, None] + start + np.arange(width)]  # [m, D] places, -1
            line = np.full(int(rows.max()) + 1, -1, np.int32)
            line[rows[there]] = np.arange(len(there))
            levels.append(Level(line, np.where(links >= 0, rows[links], np.int32(-1))))
        order = np.argsort(-height, kind="stable")
        entries = rows[order[: max(int((height > 2).sum()), min(config.entries, len(rows)))]]
        return cls(entries, (levels[0], levels[1]), built=len(rows))

    def is_worn(self, config: GraphConfig) -> bool:
        """Whether so much has changed since it was built that it should be built anew."""
        return self.changed > config.wear * max(self.built, 1)

    def insert(self, row: int, vectors: Floats, near: Rows) -> None:
        """Link a row, new or changed, to the best of the rows near it; vectors [N, E] by row hold its own.

        near: candidates, the nearest first, as a walk found them.
        """
        self.changed += 1
        self._open_line(row)
        level = self.levels[0]
        connect(level.line, level.links, vectors, np.int32(row), near[near != row].astype(np.int32))
        if not len(self.entries):
            self.entries = np.array([row], np.int32)

    def remove(self, count: int) -> None:
        """So many ads are gone; their rows stay as tombstones, to be passed through."""
        self.changed += count

    def _open_line(self, row: int) -> None:
        line, links = self.levels[0]
        if row >= len(line):
            self.levels = (
                Level(_grown(line, max(row + 1, 2 * len(line))), links),
                Level(_grown(self.levels[1].line, max(row + 1, 2 * len(line))), self.levels[1].links),
            )
            line = self.levels[0].line
        if line[row] < 0:
            if self._used == len(links):
                links = _grown(links, max(64, 2 * len(links)))
                self.levels = (Level(line, links), self.levels[1])
            line[row] = self._used
            self._used += 1

    def pack(self) -> dict[str, Array]:
        """The graph as arrays."""
        return {
            "entries": self.entries,
            "counts": np.array([self.built, self.changed]),
            "line_0": self.levels[0].line,
            "links_0": self.levels[0].links[: self._used],
            "line_1": self.levels[1].line,
            "links_1": self.levels[1].links,
        }

    @classmethod
    def unpack(cls, arrays: Arrays) -> Self:
        """What `pack` wrote; the arrays are its own from now on."""
        levels = (Level(arrays["line_0"], arrays["links_0"]), Level(arrays["line_1"], arrays["links_1"]))
        built, changed = arrays["counts"].tolist()
        return cls(arrays["entries"], levels, built=built, changed=changed)

    def save(self, folder: Path) -> None:
        """Write graph.npz."""
        np.savez(folder / FILE, allow_pickle=False, **self.pack())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; BundleError where it is damaged."""
        try:
            with np.load(folder / FILE, allow_pickle=False) as a:
                return cls.unpack(a)
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"{folder / FILE} cannot be read ({error}); export the model again") from error


def _hnsw(vectors: Floats, config: GraphConfig) -> tuple[Rows, NDArray[np.int64], Rows]:
    """faiss' graph: levels of each vector [M], where its links begin [M], and all links, -1 where none."""
    index = _faiss.IndexHNSWFlat(vectors.shape[1], config.links)
    index.hnsw.efConstruction = config.construction
    threads = _faiss.omp_get_max_threads()
    _faiss.omp_set_num_threads(1)  # several threads build a different graph every time
    try:
        index.add(np.ascontiguousarray(vectors, np.float32))
    finally:
        _faiss.omp_set_num_threads(threads)
    height: Rows = _faiss.vector_to_array(index.hnsw.levels)
    offsets = _faiss.vector_to_array(index.hnsw.offsets)[:-1].astype(np.int64)
    return height, offsets, _faiss.vector_to_array(index.hnsw.neighbors)


def _grown(array: Rows, n: int) -> Rows:
    """The array with n lines, the new ones -1."""
    more = np.full((n - len(array), *array.shape[1:]), -1, np.int32)
    return np.concatenate((array, more))
