"""Laws of the way by the bonus: it leads to every ad that may be among the best, each once, and to no other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.catalog.bitmaps import pack
from adcascade.retrieval.heads import SHARE, Heads, with_heads
from adcascade.retrieval.index import AdIndex
from adcascade.retrieval.inverted_file import IndexConfig
from adcascade.retrieval.inverted_scan import Floats

N, WIDTH = 30_000, 16
K = 300
ROWS = np.arange(N, dtype=np.int32)


def drawn(kind: str) -> Floats:
    """Vectors [N, WIDTH]: `unit`; `lengths` from a tenth to ten; `near`: all within some degrees of one direction."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((N, WIDTH))
    if kind == "near":
        vectors = 20 * random.standard_normal(WIDTH) + vectors
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if kind == "lengths":
        vectors *= np.exp(random.uniform(-2.3, 2.3, (N, 1)))
    return vectors.astype(np.float32)


def recall(vectors: Floats, queries: Floats, bonus: Floats | None, kept: Floats) -> float:
    """Share of the exact best K of what is kept that the index finds, beside its brute-force twin."""
    index = AdIndex(WIDTH, IndexConfig(exact_up_to=1_000, gather_up_to=1_000))
    index.build(ROWS, vectors)
    bits, found = pack(kept > 0), []
    for query in queries:
        sums = vectors @ query + (0 if bonus is None else bonus)
        sums[kept == 0] = -np.inf
        rows, values = index.search(query, K, bits, bonus)
        assert len(set(rows.tolist())) == K
        np.testing.assert_allclose(values, sums[rows], rtol=1e-4, atol=1e-4)
        found.append(np.isin(np.argpartition(-sums, K)[:K], rows).mean())
    return float(np.mean(found))


@pytest.mark.parametrize("kind", ["unit", "lengths", "near"])
@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0, 4.0])
def test_recall_has_a_bound(kind: str, apart: float) -> None:
    """Of the exact best 300 at least 90 of 100 are found, however far bonuses lie apart, measured in products."""
    random = np.random.default_rng(1)
    vectors = drawn(kind)
    queries = vectors[random.integers(N, size=(12, 3))].mean(axis=1) + 0.1 * random.standard_normal((12, WIDTH))
    queries = queries.astype(np.float32)
    spread = float((vectors @ queries.T).std(axis=0).mean())
    bonus = (apart * spread * random.standard_normal(N)).astype(np.float32) if apart else None
    for share in (1.0, 0.4):
        kept = (random.random(N) < share).astype(np.float32)
        assert recall(vectors, queries, bonus, kept) >= 0.9


@given(seed=st.integers(0, 999), before=st.integers(0, 40), k=st.integers(1, 40), kept=st.floats(0, 1))
def test_with_a_ceiling_that_holds_nothing_is_missed(seed: int, before: int, k: int, kept: float) -> None:
    """Where no product is above the ceiling and heads did not end too early, the best k are exactly the best k."""
    random, n = np.random.default_rng(seed), 400
    vectors = random.standard_normal((n, 4)).astype(np.float32)
    query, bonus = random.standard_normal(4).astype(np.float32), (3 * random.standard_normal(n)).astype(np.float32)
    sums, mask = vectors @ query + bonus, random.random(n) < kept
    first = np.flatnonzero(mask)[:before].astype(np.int32)
    bits = np.packbits(mask, bitorder="little")
    order = Heads().of(bonus)
    ceiling = float((vectors @ query).max())
    rows, values, enough = with_heads((first, sums[first]), k, (order, bonus), bits, (vectors, query, ceiling))
    assert len(set(rows.tolist())) == len(rows)
    assert mask[rows].all()
    np.testing.assert_allclose(values, sums[rows], rtol=1e-4, atol=1e-4)
    best, held = np.sort(sums[mask])[::-1][:k], np.sort(values)[::-1][:k]
    if enough:
        np.testing.assert_allclose(held, best, rtol=1e-4, atol=1e-4)
    else:
        assert len(held) < k or bonus[order[-1]] + ceiling > held[-1]
    assert not np.unpackbits(bits, bitorder="little")[first].any()


@given(bonus=st.lists(st.integers(-3, 3), min_size=1, max_size=200))
def test_heads_are_the_highest_in_order(bonus: list[int]) -> None:
    """No row outside is worth more than the last inside; a changed array is put in order anew."""
    heads = Heads()
    for values in (np.array(bonus, np.float32), -np.array(bonus, np.float32)):
        rows = heads.of(values)
        assert len(rows) == len(values) // SHARE
        assert (np.diff(values[rows]) <= 0).all()
        others = np.setdiff1d(np.arange(len(values)), rows)
        assert not len(rows) or values[rows[-1]] >= values[others].max()
