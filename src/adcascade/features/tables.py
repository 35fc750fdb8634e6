"""Tables: look-up and hashing of text straight on Arrow's buffers, without making Python strings.

A slot of the table holds what tells a text from all others, so that most look-ups touch one line of memory:

    length <= 8        the text itself
    9 to 16            its first and its last eight bytes, which overlap
    longer             a hash and its last eight bytes; then the text is compared with the one in the vocabulary

with its length, its local row and where it begins. In a large table values are taken sixty-four at a time: first
their places are computed and asked for, then they are compared, so that one does not wait for the memory of the other.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from adcascade.features.keys import hash_bytes
from adcascade.features.words import Bytes, Int, load, missing, prefetch, same, short

Offsets = NDArray[np.int64] | NDArray[np.int32]
Ids = NDArray[np.int64]
Words = NDArray[np.uint64]

NEAR = 1 << 18  # bytes of a table that a core's own caches keep
AHEAD = 64  # values whose places are asked for at once
MIX_1, MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd: multiplying loses nothing
ROW_BITS = np.uint64(32)
ROW_MASK = np.uint64(2**32 - 1)


class Table(NamedTuple):
    """Open addressing over [S, 4] words: two that name the text, length and row (0 is empty), where the text begins."""

    slots: Words  # [S, 4], S a power of two, at least twice the texts
    shift: np.uint64  # 64 - log2 S
    data: Bytes  # the texts, end to end


class Texts(NamedTuple):
    """The buffers of a string array of n values."""

    offsets: Offsets  # [n + 1]
    data: Bytes
    valid: Bytes  # a bit a value from bit `first` on; empty where nothing is null
    first: int


def build(texts: list[str]) -> Table:
    """A table in which text i has local row i + 2; the texts differ."""
    offsets, data, _, _ = buffers(pa.array(texts, pa.large_string()))
    bits = max(2, (2 * len(texts)).bit_length())
    table = Table(np.zeros((1 << bits, 4), np.uint64), np.uint64(64 - bits), data)
    _insert(table.slots, table.shift, offsets, data)
    return table


def look_up(table: Table, values: pa.Array, out: Ids, offset: int = 0) -> None:
    """Rows of a string array [n] into out [n], the offset added: null and "" -> 0, not in the table -> 1."""
    texts = buffers(values)
    find = _find if table.slots.nbytes <= NEAR else _find_far
    find(table, texts, offset, out)
    missing(texts.valid, texts.first, offset, out)


def hash_rows(buckets: int, values: pa.Array, out: Ids, offset: int = 0) -> None:
    """Rows of a string array [n] into out [n], the offset added: null and "" -> 0, else 2 + hash mod buckets."""
    texts = buffers(values)
    _hash(np.uint64(buckets), texts, offset, out)
    missing(texts.valid, texts.first, offset, out)


def buffers(values: pa.Array) -> Texts:
    """What a string array is made of; nothing is copied."""
    wide = pa.types.is_large_string(values.type)
    valid_buffer, offset_buffer, data_buffer = values.buffers()
    start, n = values.offset, len(values)
    if offset_buffer is None or offset_buffer.size == 0:
        offsets: Offsets = np.zeros(1, np.int64)
    else:
        every: Offsets = np.frombuffer(offset_buffer, np.int64) if wide else np.frombuffer(offset_buffer, np.int32)
        offsets = every[start : start + n + 1]
    has_bytes = data_buffer is not None and data_buffer.size > 0
    data = np.frombuffer(data_buffer, np.uint8) if has_bytes else np.zeros(1, np.uint8)
    has_nulls = values.null_count > 0 and valid_buffer is not None
    valid = np.frombuffer(valid_buffer, np.uint8) if has_nulls else np.zeros(0, np.uint8)
    return Texts(offsets, data, valid, start)


@njit(cache=True, inline="always")
def _named(data: Bytes, start: Int, length: Int) -> tuple[np.uint64, np.uint64]:
    """The two words that name a text of at least one byte; up to 16 bytes they are the text."""
    if length <= 8:
        return short(data, start, length), np.uint64(0)
    last: np.uint64 = load(data, start + length - 8)
    if length <= 16:
        return load(data, start), last
    h = np.uint64(length)
    for at in range(start, start + length - 8, 8):
        h = (h ^ load(data, at)) * MIX_1
        h ^= h >> np.uint64(32)
    return h, last


@njit(cache=True, inline="always")
def _place(first: np.uint64, last: np.uint64, length: Int, shift: np.uint64) -> np.uint64:
    h = (first ^ (np.uint64(length) * MIX_2)) * MIX_1
    return ((h ^ (h >> np.uint64(32)) ^ last) * MIX_2) >> shift


@njit(cache=True)
def _insert(slots: Words, shift: np.uint64, offsets: Offsets, data: Bytes) -> None:
    last_slot = np.uint64(len(slots) - 1)
    for i in range(len(offsets) - 1):
        start, length = offsets[i], offsets[i + 1] - offsets[i]
        if length == 0:
            continue  # "" is missing, whatever the vocabulary says
        first, last = _named(data, start, length)
        place = _place(first, last, length, shift)
        while slots[place, 2] != 0:
            place = (place + np.uint64(1)) & last_slot
        slots[place, 0], slots[place, 1], slots[place, 3] = first, last, start
        slots[place, 2] = (np.uint64(length) << ROW_BITS) | np.uint64(i + 2)


@njit(cache=True)
def _row(table: Table, values: Texts, i: int, first: np.uint64, last: np.uint64) -> np.uint64:
    """The local row of value i, which `first` and `last` name."""
    start, length = np.int64(values.offsets[i]), np.int64(values.offsets[i + 1] - values.offsets[i])
    slots, last_slot = table.slots, np.uint64(len(table.slots) - 1)
    place = _place(first, last, length, table.shift)
    while slots[place, 2] != 0:
        sign = slots[place, 2]
        named = slots[place, 0] == first and slots[place, 1] == last and sign >> ROW_BITS == np.uint64(length)
        if named and (length <= 16 or same(table.data, np.int64(slots[place, 3]), values.data, start, length)):
            found: np.uint64 = sign & ROW_MASK
            return found
        place = (place + np.uint64(1)) & last_slot
    return np.uint64(1)


@njit(cache=True, nogil=True)
def _find(table: Table, values: Texts, offset: int, out: Ids) -> None:
    """In a table that the caches hold."""
    for i in range(len(out)):
        start, length = np.int64(values.offsets[i]), np.int64(values.offsets[i + 1] - values.offsets[i])
        row = np.uint64(0)
        if length:
            first, last = _named(values.data, start, length)
            row = _row(table, values, i, first, last)
        out[i] = offset + np.int64(row)


@njit(cache=True, nogil=True)
def _find_far(table: Table, values: Texts, offset: int, out: Ids) -> None:
    """In a table beyond them: ask for the slots of the next values before the first is looked at."""
    flat = table.slots.ravel()
    named = np.empty((AHEAD, 2), np.uint64)
    for low in range(0, len(out), AHEAD):
        high = min(low + AHEAD, len(out))
        for i in range(low, high):
            start, length = np.int64(values.offsets[i]), np.int64(values.offsets[i + 1] - values.offsets[i])
            if length:
                first, last = _named(values.data, start, length)
                named[i - low, 0], named[i - low, 1] = first, last
                prefetch(flat, np.int64(_place(first, last, length, table.shift)) * 4)
        for i in range(low, high):
            row = np.uint64(0)
            if values.offsets[i + 1] > values.offsets[i]:
                row = _row(table, values, i, named[i - low, 0], named[i - low, 1])
            out[i] = offset + np.int64(row)


@njit(cache=True, nogil=True)
def _hash(buckets: np.uint64, values: Texts, offset: int, out: Ids) -> None:
    offsets = values.offsets
    for i in range(len(out)):
        row = np.int64(0)
        if offsets[i + 1] > offsets[i]:
            row = 2 + np.int64(hash_bytes(values.data, offsets[i], offsets[i + 1]) % buckets)
        out[i] = offset + row
