"""Laws of choosing the best: what a full sort, or a loop over all rows, would give."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.catalog.bitmaps import pack
from adcascade.retrieval.best import best
from adcascade.retrieval.choose import add_up, first_of, in_order
from adcascade.retrieval.products import products

scores = st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, -np.nan]), st.floats(width=32))


@given(told=st.lists(scores, max_size=40), k=st.integers(-1, 45), seed=st.integers(0, 99))
def test_the_best_are_those_of_a_full_sort(told: list[float], k: int, seed: int) -> None:
    """Falling score, equal ones by rising row, NaN of either sign last."""
    value = np.array(told, np.float32)
    rows = np.random.default_rng(seed).permutation(len(value)).astype(np.int32)
    order = sorted(range(len(value)), key=lambda i: (np.isnan(value[i]), -np.nan_to_num(value[i], nan=0.0), rows[i]))
    order = order[: max(k, 0)]
    found, theirs = best(rows, value, k)
    assert found.tolist() == rows[order].tolist()
    np.testing.assert_array_equal(theirs, value[order])


@given(
    value=st.lists(st.sampled_from([0.0, 1.0, 2.5, -3.0, np.nan]), min_size=1, max_size=40),
    k=st.integers(0, 45),
    seed=st.integers(0, 2**16),
)
def test_chosen_rows_are_the_best_that_a_filter_lets_through(value: list[float], k: int, seed: int) -> None:
    """As `best` of the rows whose bit is set, that are not excluded and whose value is known."""
    random = np.random.default_rng(seed)
    worth, n = np.array(value, np.float32), len(value)
    rows = np.flatnonzero(random.random(n) < 0.7).astype(np.int32)
    allowed, without = random.random(n) < 0.7, random.permutation(n)[: n // 4].astype(np.int32)
    inside = [row for row in rows.tolist() if allowed[row] and row not in without and not np.isnan(worth[row])]
    expected = best(np.array(inside, np.int32), worth[inside], k)
    assert first_of(in_order(rows, worth), k, pack(allowed), without).tolist() == expected[0].tolist()


@given(seed=st.integers(0, 2**16), lists=st.integers(0, 4))
def test_weights_of_lists_add_up_by_row(seed: int, lists: int) -> None:
    """Each allowed row of some lists ends with the sum of their weights, and is named once."""
    random, n = np.random.default_rng(seed), 24
    allowed = random.random(n) < 0.7
    sums, touched, count = np.zeros(n), np.empty(n, np.int32), 0
    expected = np.zeros(n)
    for weight in 1.0 + np.arange(lists):
        rows = np.flatnonzero(random.random(n) < 0.5).astype(np.int32)
        count = add_up(rows, weight, pack(allowed), sums, (touched, count))
        expected[rows[allowed[rows]]] += weight
    np.testing.assert_array_equal(sums, expected)
    assert sorted(touched[:count].tolist()) == np.flatnonzero(expected).tolist()


@given(n=st.integers(0, 40), width=st.integers(1, 70), seed=st.integers(0, 99))
def test_products_at_rows_are_those_of_a_copy(n: int, width: int, seed: int) -> None:
    """As the matrix product of the gathered vectors, whichever rows, in whatever order."""
    random = np.random.default_rng(seed)
    vectors, query = (
        random.standard_normal((30, width), dtype=np.float32),
        random.standard_normal(width, dtype=np.float32),
    )
    rows = random.integers(0, 30, n).astype(np.int32)
    np.testing.assert_allclose(products(vectors, rows, query), vectors[rows] @ query, rtol=1e-4, atol=1e-5)
