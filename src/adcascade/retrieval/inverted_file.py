"""The inverted file of AdIndex (IVF,SQ8): vectors in lists by their nearest centre, one byte a number.

k-means on the unit sphere finds the centres; a search reads the lists whose centres have the largest inner product with
the query (Jégou et al., TPAMI 2011). How many it must read to find nearly all of the best hangs on the vectors: in
clusters a few, without clusters many. So it is measured when the file is made, with blends of three ads as queries:
they lie between ads, as a user of several interests does.

    code = round((x - centre - low) / step);     query . x = query . centre + query . low + (query * step) . code

query . centre is known by then, and query . low is the same for all ads. query * step is rounded to bytes too, which
is what processors multiply quickest (lanes.py). Lists change live (inverted_scan.py).

Letters: M vectors, K their width, C centres, N capacity in catalog rows.
"""

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.packed.image import Array, Arrays
from adcascade.retrieval.inverted_scan import Bits, Blocks, Floats, Rows, delete, insert, scan
from adcascade.retrieval.lanes import LANES

Lists = NDArray[np.int64]
T = TypeVar("T", bound=np.generic)
CHUNK = 4096  # vectors compared with all centres at once
SAMPLE = 64  # vectors a list that the centres are learned from
ROUNDS = 8  # of k-means
HELD = 3  # times as many are held in a scan before the best of them are chosen
RANGE = 6  # standard deviations between the least and the greatest code, about
SPREADS = 1.0  # standard deviations above its centre that a list that is not read is taken for
QUERIES, BEST = 32, 100  # by which probes are chosen
NOTHING: Floats = np.empty(0, np.float32)


@dataclass(frozen=True, kw_only=True)
class IndexConfig:
    """When to approximate, and how closely."""

    exact_up_to: int = 20_000  # ads that are all read; of more, the inverted file reads some
    gather_up_to: int = 4_000  # ads that a filter keeps of more, which are all read
    lists: int | None = None  # of the inverted file; None: the power of two next to 3 sqrt(M)
    probes: int | None = None  # lists read where the filter keeps all; None: as many as `recall` needs
    recall: float = 0.97  # share of the best 100 that is found, by which `probes` are chosen when the index is built
    slack: float = 1.3  # times k that are taken by their codes and scored again by their vectors
    seed: int = 0


class InvertedFile:
    """`near` is what it is for; one thread at a time."""

    def __init__(self, centres: Floats, low: Floats, step: Floats) -> None:
        """Empty lists around these centres [C, K], for codes from `low` in steps, each [K]."""
        self.centres, self.probes = centres, 1
        self._low, self._step = low, step
        padded = -(-len(low) // 4) * 4
        self._query = np.zeros(padded, np.float32)
        none = np.empty(0, np.int32)
        self._blocks = Blocks(
            codes=np.empty((0, padded // 4, LANES, 4), np.uint8),
            rows=np.empty((0, LANES), np.int32),
            after=none,
            fill=none,
            owner=none,
            head=np.full(len(centres), -1, np.int32),
            place=none,
            counts=np.array([0, -1], np.int32),
        )
        self._top = 0  # no row in it is as high

    @classmethod
    def made(cls, rows: Rows, vectors: Floats, config: IndexConfig) -> Self:
        """Of distinct rows [M] and their vectors [M, K]; lists and probes are chosen where the config does not say."""
        lists = min(config.lists or 2 ** round(np.log2(3 * np.sqrt(len(vectors)))), len(vectors))
        centres = centres_of(vectors, lists, config.seed)
        some = vectors[:: max(len(vectors) // (SAMPLE * lists), 1)]
        apart = some - centres[nearest(some, centres)]
        low = apart.min(axis=0)
        step = np.maximum((apart.max(axis=0) - low) / 255, np.float32(1e-12))
        made = cls(centres, low, step)
        made.insert(rows, vectors)
        made.probes = min(config.probes or made._enough(rows, vectors, config), lists)
        return made

    def pack(self) -> dict[str, Array]:
        """Everything as arrays for an image, with free blocks for what may come."""
        self._grow(self._top, 2 * len(self.centres))
        numbers = np.array([self.probes, self._top])
        return {
            "centres": self.centres,
            "low": self._low,
            "step": self._step,
            "numbers": numbers,
        } | self._blocks._asdict()

    @classmethod
    def unpack(cls, arrays: Arrays) -> Self:
        """Become what `pack` wrote; blocks stay in the file, which is copied where it is changed."""
        found = cls(arrays["centres"], arrays["low"], arrays["step"])
        found.probes, found._top = arrays["numbers"].tolist()
        found._blocks = Blocks(**{name: arrays[name] for name in Blocks._fields})
        return found

    def near(self, query: Floats, count: int, probes: int, bits: Bits, bonus: Floats | None = None) -> Rows:
        """About the best `count` rows by query . vector + bonus[row] of what the bitmap keeps of the nearest lists.

        The bitmap reaches over all rows that are in the file.
        """
        near = self.centres @ query
        lists = np.arange(len(near))
        if probes < len(near):
            lists = np.argpartition(near, len(near) - probes)[len(near) - probes :]
        lists = lists[np.argsort(-near[lists])]  # whoever reads the best first passes over most of the rest
        np.multiply(query, self._step, out=self._query[: len(query)])
        given = NOTHING if bonus is None else bonus if len(bonus) >= self._top else grown(bonus, self._top, 0)
        size = HELD * count + 2 * LANES
        found: Rows = np.empty(size, np.int32)
        number = scan(self._blocks, lists, near, self._query, bits, given, (found, np.empty(size, np.float32), count))
        return found[:number]

    def ceiling(self, query: Floats, probes: int) -> float:
        """About what query . vector reaches in the nearest list that a search of so many lists does not read.

        The centre's product, and `SPREADS` standard deviations of what its vectors add.
        """
        near = self.centres @ query
        place = len(near) - 1 - probes
        apart = query @ (self._low + np.float32(127.5) * self._step)
        spread = np.linalg.norm(query * self._step) * 255 / RANGE
        return float(np.partition(near, place)[place] + apart + SPREADS * spread)

    def insert(self, rows: Rows, vectors: Floats) -> None:
        """Distinct rows [M] that are not in it, and their vectors [M, K]."""
        lists = nearest(vectors, self.centres)
        order = np.argsort(lists, kind="stable")  # a list's ads lie together
        self._top = max(self._top, int(rows.max()) + 1)
        self._grow(self._top, len(rows) // LANES + min(len(rows), len(self.centres)))
        codes = np.zeros((len(rows), len(self._query)), np.uint8)
        steps = (vectors - self.centres[lists] - self._low) / self._step
        codes[:, : len(self._low)] = np.rint(steps).clip(0, 255)
        insert(self._blocks, lists[order], rows[order], codes[order].reshape(len(rows), -1, 4))

    def delete(self, rows: Rows) -> None:
        """Distinct rows that are in it."""
        delete(self._blocks, rows)

    def _enough(self, rows: Rows, vectors: Floats, config: IndexConfig) -> int:
        """About the fewest lists that find `config.recall` of the exact best of blends of ads."""
        random = np.random.default_rng(config.seed)
        queries = vectors[random.integers(len(vectors), size=(QUERIES, 3))].mean(axis=1)
        count = min(BEST, len(vectors))
        exact = [rows[np.argpartition(vectors @ query, -count)[-count:]] for query in queries]
        bits = np.full(-(-len(self._blocks.place) // 8), 255, np.uint8)

        def recall(probes: int) -> float:
            found = (self.near(query, round(count * config.slack), probes, bits) for query in queries)
            return float(np.mean([np.isin(one, other).mean() for one, other in zip(exact, found, strict=True)]))

        wanted = config.recall * recall(len(self.centres))  # what codes confuse, more lists do not mend
        probes = 1
        while probes < len(self.centres) and recall(probes) < wanted:
            probes += probes // 2 + 1
        return probes

    def _grow(self, n: int, blocks: int) -> None:
        """Room for rows below n, and for so many more blocks."""
        b = self._blocks
        wanted = int(b.counts[0]) + blocks
        if wanted > len(b.fill):
            size = max(wanted, len(b.fill) + len(b.fill) // 2)
            b = b._replace(
                codes=grown(b.codes, size, 0),
                rows=grown(b.rows, size, 0),
                after=grown(b.after, size, 0),
                fill=grown(b.fill, size, 0),
                owner=grown(b.owner, size, 0),
            )
        if n > len(b.place):
            size = max(n, 2 * len(b.place))
            b = b._replace(place=grown(b.place, size, -1))
        self._blocks = b


def centres_of(vectors: Floats, lists: int, seed: int) -> Floats:
    """Centres [C, K] of k-means on the unit sphere, learned from a sample of the vectors [M, K]."""
    random = np.random.default_rng(seed)
    sample = vectors
    if len(vectors) > SAMPLE * lists:
        sample = vectors[np.sort(random.choice(len(vectors), SAMPLE * lists, replace=False))]
    centres = sample[random.choice(len(sample), lists, replace=False)]
    for _ in range(ROUNDS):
        own = nearest(sample, centres)
        order = np.argsort(own, kind="stable")
        there, start = np.unique(own[order], return_index=True)
        sums = sample[random.choice(len(sample), lists)]  # where no vector is nearest, another try
        sums[there] = np.add.reduceat(sample[order], start)
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-12))
    return centres


def nearest(vectors: Floats, centres: Floats) -> Lists:
    """The centre [M] with the largest inner product with each vector [M, K]."""
    found = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), CHUNK):
        part = slice(start, start + CHUNK)
        np.argmax(vectors[part] @ centres.T, axis=1, out=found[part])
    return found


def grown(array: NDArray[T], n: int, value: int) -> NDArray[T]:
    """The array with n entries, the new ones `value`."""
    more = np.full((n, *array.shape[1:]), value, array.dtype)
    more[: len(array)] = array
    return more
