"""The second way to ads that are worth much: by their bonus, where lists lead to them by their vector.

The nearest lists hold the highest query . vector. What is searched for is query . vector + bonus, and where bonuses lie
farther apart than products, most of the best lie in lists that are not near. So ads are also read in the order of their
bonus, until no other can be among the best (the threshold algorithm: Fagin, Lotem and Naor, PODS 2001):

    bonus of the next ad + ceiling <= the worst that is held

where the ceiling is what an ad of a list that was not read may reach by its vector (`InvertedFile.ceiling`).

Letters: N capacity in catalog rows, K width of a vector, M rows of a list.
"""

import numpy as np
from numba import njit

from adcascade.features.prefetch import AHEAD, fetch_row
from adcascade.retrieval.inverted_scan import Bits, Floats, Rows, select
from adcascade.retrieval.products import VECTORS

SHARE = 8  # one ad of so many is put in order: to read more one by one takes longer than to read all lists
SAMPLE = 4096  # bonuses that tell about where the highest begin
ROOM = 256  # ads that are found between two looks at what the worst of the best is
NOBODY: Rows = np.empty(0, np.int32)


class Heads:
    """The rows of the highest bonuses, put in order once for an array of bonuses, which must not be written to."""

    def __init__(self) -> None:
        """Of no array yet."""
        self._bonus: Floats | None = None
        self._rows = NOBODY

    def of(self, bonus: Floats) -> Rows:
        """About an eighth of the rows of bonus [N], or fewer, by falling bonus."""
        if bonus is not self._bonus:
            sample = np.sort(bonus[:: len(bonus) // SAMPLE + 1])
            high = np.flatnonzero(bonus >= sample[len(sample) - 1 - len(sample) // SHARE]).astype(np.int32)
            order = np.argsort(-bonus[high])
            self._rows, self._bonus = high[order[: len(bonus) // SHARE]], bonus
        return self._rows


def with_heads(
    found: tuple[Rows, Floats], k: int, heads: tuple[Rows, Floats], bits: Bits, products: tuple[Floats, Floats, float]
) -> tuple[Rows, Floats, bool]:
    """What was found, or the best k of it and more, with what was worth holding of the heads; and whether that is all.

    found: rows and their sums; heads: rows by falling bonus, and bonus [N]; bits: what may be found, from which `found`
    is taken; products: vectors [N, K], query [K] and the ceiling. False: heads ended before their bonus was low enough.
    """
    size = max(len(found[0]), k) + ROOM
    rows, sums = np.empty(size, np.int32), np.empty(size, np.float32)
    rows[: len(found[0])], sums[: len(found[0])] = found
    vectors, query, ceiling = products
    count, enough = _read(rows, sums, len(found[0]), k, heads, bits, vectors, query, np.float32(ceiling))
    return rows[:count], sums[:count], enough


@njit(cache=True)
def _read(  # noqa: PLR0917  compiled functions take no keywords
    rows: Rows,
    sums: Floats,
    count: int,
    k: int,
    heads: tuple[Rows, Floats],
    bits: Bits,
    vectors: Floats,
    query: Floats,
    ceiling: np.float32,
) -> tuple[int, bool]:
    for row in rows[:count]:
        bits[row >> 3] &= ~(np.uint8(1) << np.uint8(row & 7))
    order, bonus = heads
    least = np.float32(-np.inf)  # what an ad must surpass
    if count >= k:
        least, count = select(rows, sums, count, k), k
    for place in range(len(order)):
        row = order[place]
        if bonus[row] + ceiling <= least:
            return count, True
        if place + AHEAD < len(order):
            fetch_row(vectors, order[place + AHEAD])
        if row < 8 * len(bits) and (bits[row >> 3] >> (row & 7)) & 1:
            rows[count], sums[count] = row, bonus[row] + _product(vectors[row], query)
            count += sums[count] > least
        if count == len(rows):
            least, count = select(rows, sums, count, k), k
    if count < k or not len(order):
        return count, False
    return k, bool(bonus[order[-1]] + ceiling <= select(rows, sums, count, k))


@njit(cache=True, fastmath=VECTORS)
def _product(vector: Floats, query: Floats) -> np.float32:
    total = np.float32(0)
    for unit in range(len(query)):
        total += vector[unit] * query[unit]
    return total
