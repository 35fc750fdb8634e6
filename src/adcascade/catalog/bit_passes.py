"""What every request asks of bitmaps of the whole catalog, compiled: each bitmap is read once.

The same in NumPy makes a copy of the bitmap at each step, and looks up as many places as a set has rows twice. Bitmaps
are as in bitmaps.py, and of one length B in a call; M rows of a set must lie within it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bits = NDArray[np.uint8]
Rows = NDArray[np.int32]


@njit(cache=True)
def clear(bits: Bits, closed: Bits) -> None:
    """Clear, in place, the bits that are set in `closed`."""
    for place in range(len(bits)):
        bits[place] &= ~closed[place]


@njit(cache=True)
def clear_others(bits: Bits, naming: Bits, named: Bits) -> None:
    """Clear, in place, the bits that are set in `naming` and not in `named`."""
    for place in range(len(bits)):
        bits[place] &= ~naming[place] | named[place]


@njit(cache=True)
def clear_rows(bits: Bits, rows: Rows) -> None:
    """Clear, in place, the bits of rows [M]."""
    for row in rows:
        bits[row >> 3] &= ~np.uint8(1 << (row & 7))


@njit(cache=True)
def set_rows(bits: Bits, rows: Rows) -> None:
    """Set, in place, the bits of rows [M]."""
    for row in rows:
        bits[row >> 3] |= np.uint8(1 << (row & 7))


def compile_passes() -> None:
    """Compile all of them, or read them from their cache, so that no request waits for it."""
    bits, rows = np.zeros(1, np.uint8), np.zeros(1, np.int32)
    clear(bits, bits)
    clear_others(bits, bits, bits)
    clear_rows(bits, rows)
    set_rows(bits, rows)
