"""Laws of 32 ads side by side: scores are sums of whole numbers, by whatever instruction; bounds and bits are exact."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from adcascade.retrieval.lanes import LANES, Bits, Floats, Ints, above, lowest, plain_products, products


def _by_instruction(
    bytes_: tuple[Bits, int, Ints],
    numbers: tuple[np.float32, np.float32],
    scores: Floats,
) -> None:
    codes, block, query = bytes_
    near, step = numbers
    products(codes, block, query, near, step, scores)


def _bits_above(scores: Floats, bound: np.float32) -> list[int]:
    found = []
    left = above(scores, bound)
    while left:
        found.append(lowest(left))
        left &= left - np.uint64(1)
    return found


by_instruction: Any = njit(_by_instruction)  # only compiled loops can call them
bits_above: Any = njit(_bits_above)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 999),
    units=st.integers(1, 40),
    block=st.integers(0, 2),
    extreme=st.booleans(),
    numbers=st.tuples(st.floats(-10, 10, width=32), st.floats(0, 1, width=32)),
)
def test_scores_are_sums_of_whole_numbers(
    seed: int, units: int, block: int, extreme: bool, numbers: tuple[float, float]
) -> None:
    """Of any codes and query, the largest too, the instruction and the loop write what numpy says."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 256, (3, units, LANES, 4)).astype(np.uint8)
    query = random.integers(-127, 128, (units, 4)).astype(np.int8)
    if extreme:
        codes[:], query[:] = 255, random.choice([-127, 127])
    sums = np.einsum("ulp,up->l", codes[block].astype(np.int64), query.astype(np.int64))
    near, step = numbers
    words, both = query.view(np.int32).ravel(), (np.float32(near), np.float32(step))
    ours, plain = np.full(LANES, np.nan, np.float32), np.full(LANES, np.nan, np.float32)
    by_instruction((codes, block, words), both, ours)
    plain_products(codes, block, words, *both, plain)
    np.testing.assert_allclose(ours, near + step * sums, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(ours, plain)


@given(scores=st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), min_size=LANES, max_size=LANES))
def test_above_tells_what_is_larger(scores: list[float]) -> None:
    """Lane by lane, strictly, from nothing to all 32 of them."""
    array = np.array(scores, np.float32)
    for bound in (-np.inf, -2.0, 0.0, 2.0):
        assert bits_above(array, np.float32(bound)) == np.flatnonzero(array > bound).tolist()
