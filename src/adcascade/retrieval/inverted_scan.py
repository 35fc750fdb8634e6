"""What the inverted file does by ad, compiled: reading lists, putting ads into them, taking them out.

A list is a chain of blocks of 32 ads; only the first of them, the head, may have free lanes. A block holds its codes
by four dimensions, [K / 4, 32, 4]: so 32 scores grow side by side (lanes.py), with no sum across a vector's own
numbers, which costs more than all the products. An ad that leaves is replaced by the last one of the head.

A scan holds some times as many ads as are wanted. When it holds no more, it keeps the best, and the worst of these is
what others must surpass: where the nearest lists are read first, most blocks are then passed over with one comparison.

Letters: B blocks, K width (a multiple of 4), N capacity in catalog rows, M rows of a call.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.retrieval.lanes import LANES, above, lowest, products

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Bits = NDArray[np.uint8]
VECTORS = {"reassoc", "contract", "nsz", "nnan"}  # sums in any order, no NaN: else no vector instructions are used
ONE = np.uint64(1)
USED, FREE = 0, 1  # places in `counts`


class Blocks(NamedTuple):
    """The lists' memory."""

    codes: Bits  # [B, K / 4, 32, 4]
    rows: Rows  # [B, 32]
    after: Rows  # [B] the next block of the list, -1 at its end; of a free block, the next free one
    fill: Rows  # [B] lanes that are taken
    owner: Rows  # [B] the list
    head: Rows  # [C] the first block of each list, -1 where it is empty
    place: Rows  # [N] block * 32 + lane of a row, -1 where it is absent
    counts: Rows  # [2] blocks ever used, and the first free one or -1


@njit(cache=True, fastmath=VECTORS)
def scan(  # noqa: PLR0917  compiled functions take no keywords
    blocks: Blocks,
    lists: NDArray[np.int64],
    near: Floats,
    query: Floats,
    bits: Bits,
    bonus: Floats,
    best: tuple[Rows, Floats, int],
) -> int:
    """Write those rows of the lists that the bitmap keeps whose near + query . code + bonus are highest; how many.

    near [C], of the lists' centres; query [K], scaled to codes; bonus [N] or [0]: none; best: memory for rows and
    their scores, each of at least wanted + 64, and how many are wanted. They come in any order.
    """
    rows, scores, wanted = best
    units, step = in_bytes(query)
    some = np.empty(LANES, np.float32)
    least = np.float32(-np.inf)  # what an ad must surpass
    count = 0
    for number in lists:
        block = blocks.head[number]
        while block >= 0:
            products(blocks.codes, block, units, near[number], step, some)
            if len(bonus):
                for lane in range(LANES):
                    some[lane] += bonus[blocks.rows[block, lane]]
            left = above(some, least) & ((ONE << np.uint64(blocks.fill[block])) - ONE)
            while left:
                lane = lowest(left)
                left &= left - ONE
                row = blocks.rows[block, lane]
                rows[count], scores[count] = row, some[lane]
                count += (bits[row >> 3] >> (row & 7)) & 1
            if count > len(rows) - LANES:
                least = select(rows, scores, count, wanted)
                count = wanted
            block = blocks.after[block]
    if count > wanted:
        select(rows, scores, count, wanted)
    return min(count, wanted)


@njit(cache=True)
def in_bytes(query: Floats) -> tuple[Rows, np.float32]:
    """The query [K] in whole numbers from -127 to 127, four in each int32 [K / 4], and their step."""
    highest = np.float32(1e-30)
    for one in query:
        highest = max(highest, abs(one))
    step = highest / np.float32(127)
    found = np.empty(len(query), np.int8)
    for unit in range(len(query)):
        found[unit] = np.int8(np.rint(query[unit] / step))
    return found.view(np.int32), step


@njit(cache=True)
def select(rows: Rows, scores: Floats, count: int, wanted: int) -> np.float32:
    """Bring the `wanted` highest of the first `count` scores to the front with their rows; the lowest of these."""
    low, high = 0, count  # where the one is that divides them
    while high - low > 1:
        middle = (low + high) // 2
        pivot = scores[middle]
        _swap(rows, scores, middle, high - 1)
        place = low
        for one in range(low, high - 1):  # no branch: none could be foretold
            higher = scores[one] > pivot
            _swap(rows, scores, one, place)
            place += higher
        _swap(rows, scores, place, high - 1)
        if place >= wanted:
            high = place
        elif place < wanted - 1:
            low = place + 1
        else:
            break
    least: np.float32 = scores[wanted - 1]
    return least


@njit(cache=True, inline="always")
def _swap(rows: Rows, scores: Floats, one: int, other: int) -> None:
    rows[one], rows[other] = rows[other], rows[one]
    scores[one], scores[other] = scores[other], scores[one]


@njit(cache=True)
def insert(blocks: Blocks, lists: NDArray[np.int64], rows: Rows, codes: Bits) -> None:
    """Put absent rows [M] with codes [M, K] into these lists [M]; there must be blocks for them."""
    for one in range(len(rows)):
        number = lists[one]
        block = blocks.head[number]
        if block < 0 or blocks.fill[block] == LANES:
            first = blocks.counts[FREE]
            if first >= 0:
                blocks.counts[FREE] = blocks.after[first]
            else:
                first = blocks.counts[USED]
                blocks.counts[USED] += 1
            blocks.after[first], blocks.owner[first], blocks.fill[first] = block, number, 0
            blocks.head[number] = block = first
        lane = blocks.fill[block]
        blocks.codes[block, :, lane] = codes[one]
        blocks.rows[block, lane] = rows[one]
        blocks.fill[block] += 1
        blocks.place[rows[one]] = block * LANES + lane


@njit(cache=True)
def delete(blocks: Blocks, rows: Rows) -> None:
    """Take rows [M] out that are there."""
    for row in rows:
        block, lane = blocks.place[row] // LANES, blocks.place[row] % LANES
        number = blocks.owner[block]
        head = blocks.head[number]
        last = blocks.fill[head] - 1
        moved = blocks.rows[head, last]
        blocks.codes[block, :, lane] = blocks.codes[head, :, last]
        blocks.rows[block, lane] = moved
        blocks.place[moved] = block * LANES + lane
        blocks.place[row] = -1
        blocks.fill[head] = last
        if last == 0:
            blocks.head[number] = blocks.after[head]
            blocks.after[head] = blocks.counts[FREE]
            blocks.counts[FREE] = head
