"""Laws of the compiled passes: each says what the same words say of boolean arrays."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.catalog.bit_passes import clear, clear_others, clear_rows, compile_passes, set_rows
from adcascade.catalog.bitmaps import pack, unpack


@settings(deadline=None)  # numba compiles during the first example
@given(n=st.integers(1, 300), seed=st.integers(0, 2**16))
def test_passes_over_bitmaps_are_those_over_booleans(n: int, seed: int) -> None:
    """Without what is closed; without what is named and not among the named."""
    bits, naming, named = np.random.default_rng(seed).random((3, n)) < 0.5
    left, kept = pack(bits), pack(bits)
    clear(left, pack(naming))
    clear_others(kept, pack(naming), pack(named))
    np.testing.assert_array_equal(unpack(left, n), bits & ~naming)
    np.testing.assert_array_equal(unpack(kept, n), bits & (~naming | named))


@settings(deadline=None)
@given(n=st.integers(1, 300), seed=st.integers(0, 2**16))
def test_rows_are_set_and_cleared_and_no_others(n: int, seed: int) -> None:
    """Of any bitmap, any rows, none among them."""
    random = np.random.default_rng(seed)
    bits, chosen = random.random((2, n)) < 0.5
    more, less = pack(bits), pack(bits)
    rows = np.flatnonzero(chosen).astype(np.int32)
    set_rows(more, rows)
    clear_rows(less, rows)
    np.testing.assert_array_equal(unpack(more, n), bits | chosen)
    np.testing.assert_array_equal(unpack(less, n), bits & ~chosen)


def test_what_was_compiled_ahead_is_what_a_request_uses() -> None:
    """Parts of longer bitmaps and of longer lists of rows are no other types: nothing is compiled a second time."""
    compile_passes()
    bits, rows = np.zeros(9, np.uint8), np.arange(9, dtype=np.int32)
    clear(bits[:8], bits[:8])
    clear_others(bits[:8], bits[:8], bits[:8])
    clear_rows(bits[:8], rows[2:5])
    set_rows(bits[:8], rows[2:5])
    assert [len(one.signatures) for one in (clear, clear_others, clear_rows, set_rows)] == [1, 1, 1, 1]
