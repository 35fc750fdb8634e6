"""Laws of asking for memory ahead: it changes nothing but the time."""

from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from adcascade.features.prefetch import fetch_row


@njit(cache=False)
def total(array: NDArray[np.float32], rows: NDArray[np.int32]) -> float:
    """Sum of the rows, each asked for before."""
    found = 0.0
    for row in rows:
        fetch_row(array, row)
        found += array[row].sum()
    return found


@pytest.mark.parametrize("width", [1, 16, 17, 64])
def test_a_sum_of_rows_is_the_same(width: int) -> None:
    """First and last row, of widths that fill their lines or do not."""
    array = np.random.default_rng(0).random((50, width), dtype=np.float32)
    rows = np.array([0, 49, 7, 49], np.int32)
    assert total(array, rows) == pytest.approx(array[rows].sum(dtype=np.float64), rel=1e-5)


def test_the_processor_is_told() -> None:
    """What is compiled holds the processor's own instruction, one for each line of a row."""
    total(np.zeros((2, 16), np.float32), np.zeros(1, np.int32))
    compiled: Any = total
    assert any("prefetch" in text for text in compiled.inspect_asm().values())
