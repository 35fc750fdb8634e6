"""Laws of the index: a filtered or removed ad never comes back, an added one is found, exact is exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adcascade.catalog.bitmaps import are_in, pack
from adcascade.retrieval.best import best
from adcascade.retrieval.index import AdIndex, search_slow
from adcascade.retrieval.inverted_file import IndexConfig
from adcascade.retrieval.searcher import Floats, Rows

WIDTH = 4
ROWS = 40
ALL = np.full(ROWS // 8, 255, np.uint8)
EXACT = IndexConfig()
LISTS = IndexConfig(
    exact_up_to=0, gather_up_to=0, lists=4, probes=4, slack=ROWS
)  # every list is read: nothing may be missed


def vectors_of(seed: int, n: int) -> Floats:
    """Random vectors [n, WIDTH]."""
    return np.random.default_rng(seed).standard_normal((n, WIDTH)).astype(np.float32)


class LiveIndex(RuleBasedStateMachine):
    """Adds, replacements, removals and searches in any order, beside a dictionary of what should be there."""

    config = EXACT

    @initialize(seed=st.integers(0, 99), n=st.integers(8, ROWS))
    def build(self, seed: int, n: int) -> None:
        """Start with rows 0 to n."""
        self.index = AdIndex(WIDTH, self.config)
        vectors = vectors_of(seed, n)
        self.index.build(np.arange(n, dtype=np.int32), vectors)
        self.twin = dict(enumerate(vectors))

    @rule(rows=st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=5), seed=st.integers(0, 99))
    def add(self, rows: set[int], seed: int) -> None:
        """Insert or replace."""
        vectors = vectors_of(seed, len(rows))
        self.index.add(np.array(sorted(rows), np.int32), vectors)
        self.twin.update(zip(sorted(rows), vectors, strict=True))

    @rule(rows=st.sets(st.integers(0, ROWS + 20), min_size=1, max_size=9))
    def remove(self, rows: set[int]) -> None:
        """Remove, whether there or not."""
        self.index.remove(np.array(sorted(rows), np.int32))
        for row in rows:
            self.twin.pop(row, None)

    @rule(seed=st.integers(0, 99), k=st.integers(0, ROWS), kept=st.lists(st.booleans(), min_size=ROWS, max_size=ROWS))
    def search(self, seed: int, k: int, kept: list[bool]) -> None:
        """What is found is what the twin finds, under any filter."""
        query, bits = vectors_of(seed, 1)[0], pack(np.array(kept))
        bonus = np.random.default_rng(seed).standard_normal(ROWS).astype(np.float32)
        rows, scores = self.index.search(query, k, bits, bonus)
        expected_rows, expected_scores = search_slow(self.twin, query, k, bits, bonus)
        assert set(rows.tolist()) == set(expected_rows.tolist())
        np.testing.assert_allclose(scores, expected_scores, rtol=1e-4, atol=1e-5)
        assert are_in(bits, rows).all()

    @invariant()
    def knows_what_it_holds(self) -> None:
        """Its length, its members and their vectors are the twin's."""
        rows = np.array(sorted(self.twin), np.int32)
        assert len(self.index) == len(rows)
        assert self.index.contains(np.arange(ROWS + 20, dtype=np.int32)).sum() == len(rows)
        assert self.index.contains(rows).all()
        vectors = self.index.pack()["vectors"]
        np.testing.assert_array_equal(vectors[rows], [self.twin[row] for row in rows.tolist()] or self._none)

    _none = np.empty((0, WIDTH), np.float32)


class LiveLists(LiveIndex):
    """The same with an inverted file."""

    config = LISTS


for machine in (LiveIndex, LiveLists):
    machine.TestCase.settings = settings(deadline=None, max_examples=20, stateful_step_count=10)
TestExact = LiveIndex.TestCase
TestLists = LiveLists.TestCase


def clustered(n: int, seed: int) -> Floats:
    """Vectors [n, 16] of length 1 around 40 centres."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((40, 16))
    vectors = centres[random.integers(40, size=n)] + 0.4 * random.standard_normal((n, 16))
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def recall(config: IndexConfig, share: float) -> float:
    """Share of the true top 100 of 20,000 ads that is found where the filter keeps `share` of them."""
    n = 20_000
    vectors, rows = clustered(n, 0), np.arange(n, dtype=np.int32)
    fast, exact = AdIndex(16, config), AdIndex(16)
    fast.build(rows, vectors)
    exact.build(rows, vectors)
    random = np.random.default_rng(1)
    found = []
    for query in clustered(n + 20, 0)[n:]:
        bits = pack(random.random(n) < share)
        truth, _ = exact.search(query, 100, bits)
        found.append(np.isin(truth, fast.search(query, 100, bits)[0]).mean())
    return float(np.mean(found))


@pytest.mark.parametrize("share", [1.0, 0.4, 0.1])
def test_lists_find_nearly_all(share: float) -> None:
    """IVF,SQ8 with its own defaults finds at least 95 of the best 100, however much the filter keeps."""
    assert recall(IndexConfig(exact_up_to=1_000, gather_up_to=1_000), share) >= 0.95


def test_more_probes_never_find_less() -> None:
    """Recall rises with the lists that are read, and fails when one list is all."""
    few, many = (recall(IndexConfig(exact_up_to=1_000, lists=64, probes=probes), 1.0) for probes in (1, 16))
    assert few < 0.9 < many


def test_size_decides_what_is_exact() -> None:
    """Up to `exact_up_to` ads every vector is read; a catalog that grows live stays exact until it is built again."""
    config = IndexConfig(exact_up_to=50, gather_up_to=5, lists=4)
    index = AdIndex(WIDTH, config)
    index.build(np.arange(50, dtype=np.int32), vectors_of(0, 50))
    index.add(np.arange(50, 80, dtype=np.int32), vectors_of(1, 30))
    assert index.is_exact
    index.build(np.arange(80, dtype=np.int32), vectors_of(2, 80))
    assert not index.is_exact
    assert len(index) == 80


@given(n=st.integers(1, ROWS), k=st.integers(1, ROWS), seed=st.integers(0, 99))
def test_scores_fall(n: int, k: int, seed: int) -> None:
    """Best first, never more than k, never the same row twice."""
    index = AdIndex(WIDTH)
    index.build(np.arange(n, dtype=np.int32), vectors_of(seed, n))
    rows, scores = index.search(vectors_of(seed + 1, 1)[0], k, ALL)
    assert len(rows) == min(n, k) == len(set(rows.tolist()))
    assert (np.diff(scores) <= 0).all()


def test_an_empty_index_finds_nothing() -> None:
    """No ads, no result; a bitmap shorter or longer than the index is no error."""
    index = AdIndex(WIDTH)
    rows: Rows = index.search(np.ones(WIDTH, np.float32), 5, ALL)[0]
    assert len(rows) == 0
    index.build(np.array([9], np.int32), vectors_of(0, 1))
    assert index.search(np.ones(WIDTH, np.float32), 5, ALL[:1])[0].tolist() == []
    assert index.search(np.ones(WIDTH, np.float32), 5, np.full(99, 255, np.uint8))[0].tolist() == [9]


@given(scores=st.lists(st.integers(0, 3), max_size=12), k=st.integers(0, 12), seed=st.integers(0, 9))
def test_the_best_are_the_same_in_any_order(scores: list[int], k: int, seed: int) -> None:
    """Equal scores are cut by row, so that shuffling the candidates changes nothing."""
    rows, values = np.arange(len(scores), dtype=np.int32), np.array(scores, np.float32)
    order = np.random.default_rng(seed).permutation(len(scores))
    expected = sorted(rows.tolist(), key=lambda row: (-scores[row], row))[:k]
    assert best(rows[order], values[order], k)[0].tolist() == expected
