"""Laws of the index by a neural score: the brute-force twin, filters of results, live changes, what is worn."""

from pathlib import Path

import numpy as np
import pytest

from adcascade.catalog.bitmaps import pack
from adcascade.contracts import Batch
from adcascade.retrieval.beam_walk import WalkConfig
from adcascade.retrieval.graph import GraphConfig, ProximityGraph
from adcascade.retrieval.neural_search import NeuralConfig, NeuralSearch
from adcascade.retrieval.searcher import Bits, Floats, Rows

N, WIDTH, K = 4000, 8, 50
WALK = NeuralConfig(
    exact_up_to=100,
    exact_share=0.1,
    walk=WalkConfig(entry_beam=20, upper_beam=40, beam=100, rounds=6),
    graph=GraphConfig(links=8, entries=20, wear=0.5),
)


class Bumps:
    """A fake network: a score with several hills, as a user with several interests has, over given vectors."""

    width = side_width = WIDTH

    def __init__(self, vectors: Floats) -> None:
        self.known = vectors
        self.network = self

    def vectors(self, rows: Rows) -> Floats:
        """The vectors of catalog rows."""
        return self.known[rows]

    def request(self, request: Batch) -> Floats:
        """Three hills, by the request's number."""
        return np.random.default_rng(int(request.scenario[0])).standard_normal((3, WIDTH)).astype(np.float32)

    def item_sides(self, e: Floats) -> Floats:
        """Scores read the vectors themselves."""
        return e

    def score_rows(self, query: Floats, sides: Floats, rows: Rows) -> Floats:
        """The nearest hill decides."""
        found: Floats = -((sides[rows][:, None] - query[None]) ** 2).sum(axis=2).min(axis=1)
        return found


def vectors_of(n: int, seed: int = 0) -> Floats:
    """Vectors [n, WIDTH] in 30 clusters."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((30, WIDTH))
    return (centres[random.integers(30, size=n)] + 0.5 * random.standard_normal((n, WIDTH))).astype(np.float32)


def request(number: int) -> Batch:
    """A request that is only a number."""
    nothing = np.zeros((1, 0), np.int64)
    return Batch(
        ids=nothing,
        dense=np.zeros((1, 0), np.float32),
        history=np.zeros((1, 0, 0), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.array([number]),
    )


def search_of(vectors: Floats, rows: int, made: tuple[ProximityGraph, Floats] | None = None) -> NeuralSearch:
    """A search over the first rows."""
    search = NeuralSearch(Bumps(vectors), WALK, made)  # type: ignore[arg-type]
    search.build(np.arange(rows, dtype=np.int32))
    return search


def coverage(search: NeuralSearch, bits: Bits, bonus: Floats | None = None) -> float:
    """Of the exact best K, the share that is found; never anything outside of the filter."""
    shares = []
    bonus = np.zeros(len(bits) * 8, np.float32) if bonus is None else bonus
    for number in range(20):
        query = search.query(request(number))
        exact, sums = search.search_exact(query, K, bits, bonus)
        found, scores = search.search(query, K, bits, bonus)
        assert np.unpackbits(bits, bitorder="little")[found].all()
        assert (np.diff(scores) <= 0).all()
        shares.append(np.isin(exact, found).mean())
        np.testing.assert_allclose(sums, search.score(query, exact) + bonus[exact], atol=1e-5)
    return float(np.mean(shares))


def everything(n: int) -> Bits:
    """A filter that keeps all of n rows."""
    return pack(np.ones(n, np.bool_))


def test_the_walk_covers_the_brute_force_twin() -> None:
    """With and without a bonus that knows nothing of nearness."""
    search = search_of(vectors_of(N), N)
    assert coverage(search, everything(N)) > 0.95
    bonus = np.random.default_rng(0).normal(0, 0.3, N).astype(np.float32)
    assert coverage(search, everything(N), bonus) > 0.8


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 0.7])
def test_a_filter_holds_for_results_and_costs_no_coverage(share: float) -> None:
    """Few ads kept: all are scored. Many: wider beams find as much of the kept as without a filter of all."""
    search = search_of(vectors_of(N), N)
    bits = pack(np.random.default_rng(1).random(N) < share)
    found = coverage(search, bits)
    assert found > 0.95
    assert found == 1.0 or share > 0.1


def test_removed_ads_carry_walks_and_are_never_found() -> None:
    """Two ads of five are gone: the others are found as before, through the tombstones."""
    search = search_of(vectors_of(N), N)
    gone = np.random.default_rng(2).permutation(N)[: 2 * N // 5].astype(np.int32)
    search.remove(gone)
    search.remove(gone[:10])
    assert len(search) == N - len(gone)
    bonus = np.zeros(N, np.float32)
    for number in range(10):
        found, _ = search.search(search.query(request(number)), K, everything(N), bonus)
        assert len(found) == K
        assert not np.isin(found, gone).any()
    assert search.graph.built == N
    assert coverage(search, everything(N)) > 0.95


def test_inserted_and_moved_ads_are_found() -> None:
    """A quarter of the ads comes later, and some ads change: coverage stays."""
    vectors = vectors_of(N)
    search = search_of(vectors, 3 * N // 4)
    search.put(np.arange(3 * N // 4, N, dtype=np.int32))
    assert len(search) == N
    vectors[:200] = vectors_of(200, seed=9)
    search.put(np.arange(200, dtype=np.int32))
    assert len(search) == N
    assert coverage(search, everything(N)) > 0.93


def test_a_worn_graph_is_built_anew() -> None:
    """Once half as many ads have changed as were built in, and not before."""
    search = search_of(vectors_of(600), 400)
    search.remove(np.arange(200, dtype=np.int32))
    assert (search.graph.built, search.graph.changed) == (400, 200)
    search.put(np.array([500], np.int32))
    assert (search.graph.built, search.graph.changed) == (201, 0)
    assert len(search) == 201


def test_a_saved_graph_is_brought_up_to_date(tmp_path: Path) -> None:
    """Of a catalog that lost ads, got new ones and changed others since: only these are linked, and all is found."""
    vectors = vectors_of(N)
    before = search_of(vectors, N - 100)
    before.save(tmp_path)
    made = ProximityGraph.load(tmp_path), np.load(tmp_path / "vectors.npy")
    vectors[:50] = vectors_of(50, seed=5)
    search = NeuralSearch(Bumps(vectors), WALK, made)  # type: ignore[arg-type]
    search.build(np.setdiff1d(np.arange(N), np.arange(1000, 1200)).astype(np.int32))
    assert search.graph.built == N - 100
    assert search.graph.changed == 50 + 100 + 200
    assert len(search) == N - 200
    assert coverage(search, everything(N)) > 0.95


def test_an_empty_catalog_is_searched_in_peace() -> None:
    """Nothing is found in nothing; the first ads may come live."""
    search = search_of(vectors_of(300), 0)
    query = search.query(request(0))
    assert len(search.search(query, 5, everything(300), np.zeros(300, np.float32))[0]) == 0
    search.put(np.arange(300, dtype=np.int32))
    assert len(search.search(query, 5, everything(300), np.zeros(300, np.float32))[0]) == 5
    search.put(np.empty(0, np.int32))
    search.remove(np.array([5000], np.int32))
    assert len(search) == 300
