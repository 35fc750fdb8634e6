"""What the inverted file does by ad, compiled: reading lists, putting ads into them, taking them out.

A list is a chain of blocks of 32 ads; only the first of them, the head, may have free lanes. A block holds its codes
by dimension, [K, 32]: so 32 scores grow side by side, with no sum across a vector's own numbers, which costs more than
all the products. An ad that leaves is replaced by the last one of the head.

Letters: B blocks, K width (a multiple of 4), N capacity in catalog rows, M rows of a call.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Bits = NDArray[np.uint8]
LANES = 32
VECTORS = {"reassoc", "contract", "nsz", "nnan"}  # sums in any order, no NaN: else no vector instructions are used
USED, FREE = 0, 1  # places in `counts`


class Blocks(NamedTuple):
    """The lists' memory."""

    codes: Bits  # [B, K, 32]
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
    rows: Rows,
    scores: Floats,
) -> int:
    """Write rows of the lists that the bitmap keeps, and their near + query . code + bonus; how many.

    near [C], of the lists' centres; query [K], scaled to codes; bonus [N] or [0]: none; rows and scores: room for all
    ads and 32 more.
    """
    sums = np.empty(LANES, np.float32)
    count = 0
    for number in lists:
        block = blocks.head[number]
        while block >= 0:
            codes = blocks.codes[block]
            for lane in range(LANES):
                sums[lane] = near[number]
            for unit in range(0, len(query), 4):
                a, b, c, d = query[unit], query[unit + 1], query[unit + 2], query[unit + 3]
                for lane in range(LANES):
                    sums[lane] += (
                        a * np.float32(codes[unit, lane])
                        + b * np.float32(codes[unit + 1, lane])
                        + c * np.float32(codes[unit + 2, lane])
                        + d * np.float32(codes[unit + 3, lane])
                    )
            for lane in range(blocks.fill[block]):
                row = blocks.rows[block, lane]
                rows[count] = row
                scores[count] = sums[lane] + bonus[row] if len(bonus) else sums[lane]
                count += (bits[row >> 3] >> (row & 7)) & 1
            block = blocks.after[block]
    return count


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
