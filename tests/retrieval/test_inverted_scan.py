"""Laws of the scan: it finds the best by its own scores whatever the order, the filter and how few it may hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.retrieval.inverted_scan import Blocks, Floats, in_bytes, insert, scan, select
from adcascade.retrieval.lanes import LANES

N, WIDTH, LISTS = 400, 8, 6


def blocks_of(random: np.random.Generator) -> tuple[Blocks, np.ndarray, np.ndarray]:
    """Memory with N rows in some of the lists, the list of each [N], and their codes [N, WIDTH]."""
    size = N // LANES + LISTS + 1
    blocks = Blocks(
        codes=np.zeros((size, WIDTH // 4, LANES, 4), np.uint8),
        rows=np.zeros((size, LANES), np.int32),
        after=np.zeros(size, np.int32),
        fill=np.zeros(size, np.int32),
        owner=np.zeros(size, np.int32),
        head=np.full(LISTS, -1, np.int32),
        place=np.full(N, -1, np.int32),
        counts=np.array([0, -1], np.int32),
    )
    lists, codes = random.integers(LISTS - 1, size=N), random.integers(0, 256, (N, WIDTH)).astype(np.uint8)
    insert(blocks, lists, np.arange(N, dtype=np.int32), codes.reshape(N, -1, 4))
    return blocks, lists, codes


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 9999),
    wanted=st.integers(1, 150),
    spare=st.integers(0, 300),
    kept=st.floats(0, 1),
    with_bonus=st.booleans(),
)
def test_a_scan_finds_what_scoring_every_ad_finds(
    seed: int, wanted: int, spare: int, kept: float, with_bonus: bool
) -> None:
    """The best of what the bitmap keeps of the lists that are read, for any memory beyond what is wanted."""
    random = np.random.default_rng(seed)
    blocks, lists, codes = blocks_of(random)
    near, query = random.standard_normal(LISTS).astype(np.float32), random.standard_normal(WIDTH).astype(np.float32)
    bonus = (100 * random.standard_normal(N)).astype(np.float32) if with_bonus else np.empty(0, np.float32)
    read = random.permutation(LISTS)[: random.integers(1, LISTS + 1)]
    bits = random.random(N) < kept
    units, step = in_bytes(query)
    scores = near[lists] + step * (codes.astype(np.int64) @ units.view(np.int8).astype(np.int64))
    scores += bonus if with_bonus else 0
    able = np.flatnonzero(bits & np.isin(lists, read))
    size = wanted + 2 * LANES + spare
    rows, found = np.empty(size, np.int32), np.empty(size, np.float32)
    packed = np.packbits(bits, bitorder="little")
    count = scan(blocks, read, near, query, packed, bonus, (rows, found, wanted))
    assert count == min(wanted, len(able))
    assert len(set(rows[:count].tolist())) == count
    assert np.isin(rows[:count], able).all()
    np.testing.assert_allclose(found[:count], scores[rows[:count]], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(np.sort(found[:count]), np.sort(scores[able])[len(able) - count :], rtol=1e-4, atol=1e-3)


@given(scores=st.lists(st.integers(-3, 3), min_size=1, max_size=80), share=st.floats(0, 1))
def test_select_brings_the_highest_to_the_front(scores: list[int], share: float) -> None:
    """With their rows, whatever is equal; the lowest of them is told, and what lies behind stays as it was."""
    wanted = max(round(share * len(scores)), 1)
    values = np.array([*scores, 99, 98], np.float32)
    rows = np.arange(len(values), dtype=np.int32)
    before = values.copy()
    least = select(rows, values, len(scores), wanted)
    np.testing.assert_array_equal(before[rows], values)
    assert sorted(values[:wanted].tolist(), reverse=True) == sorted(scores, reverse=True)[:wanted]
    assert least == values[:wanted].min()
    assert rows[-2:].tolist() == [len(scores), len(scores) + 1]


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 1e6])
def test_a_query_in_bytes_is_the_query_within_half_a_step(scale: float) -> None:
    """The largest number becomes 127; nothing is divided by zero."""
    query: Floats = (scale * np.random.default_rng(0).standard_normal(12)).astype(np.float32)
    units, step = in_bytes(query)
    assert units.shape == (3,)
    np.testing.assert_allclose(step * units.view(np.int8), query, atol=0.501 * float(step))
