"""What a stage thought of some ads: a look-up by row among candidates, in one compiled pass over a hash table.

Of two candidates of one row the first counts. Letters in shapes: n candidates, m ads that are looked for.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.contracts import Candidates

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 by the golden ratio: multiples of it spread evenly


def score_at(candidates: Candidates, ads: NDArray[np.int32]) -> NDArray[np.float32]:
    """The score that `candidates` hold for each of `ads` [m], float32 [m]; NaN for an ad that is not among them."""
    found = np.empty(len(ads), np.float32)
    _look_up(candidates.ad, candidates.score, ads, found)
    return found


@njit(cache=True)
def _look_up(
    ad: NDArray[np.int32], score: NDArray[np.float32], wanted: NDArray[np.int32], found: NDArray[np.float32]
) -> None:
    bits = 1
    while 1 << bits < 2 * len(ad):
        bits += 1
    table = np.full(1 << bits, -1, np.int32)  # places of candidates, at most half of it taken
    for i in range(len(ad)):
        slot = _slot(ad[i], ad, table, bits)
        if table[slot] < 0:
            table[slot] = i
    for k in range(len(wanted)):
        i = table[_slot(wanted[k], ad, table, bits)]
        found[k] = score[i] if i >= 0 else np.nan


@njit(cache=True)
def _slot(row: int, ad: NDArray[np.int32], table: NDArray[np.int32], bits: int) -> int:
    """Where the row lies in the table, or the free slot where it would."""
    slot = int(np.int64(np.uint64(row) * GOLDEN >> np.uint64(64 - bits)))
    while table[slot] >= 0 and ad[table[slot]] != row:
        slot = slot + 1 if slot + 1 < len(table) else 0
    return slot
