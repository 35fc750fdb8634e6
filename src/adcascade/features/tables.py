"""Tables: look-up and hashing of text straight on Arrow's buffers, without making Python strings."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from adcascade.features.keys import hash_bytes

Offsets = NDArray[np.int64]
Bytes = NDArray[np.uint8]


class Table(NamedTuple):
    """Open addressing: slots hold local rows (0 is empty), texts lie end to end in `data`."""

    slots: NDArray[np.int64]  # [a power of two, at least twice the texts]
    offsets: Offsets  # [texts + 1]
    data: Bytes


def build(texts: list[str]) -> Table:
    """A table in which text i has local row i + 2; the texts differ."""
    offsets, data, _ = buffers(pa.array(texts, pa.large_string()))
    slots = np.zeros(1 << max(2, (2 * len(texts)).bit_length()), np.int64)
    _insert(slots, offsets, data)
    return Table(slots, offsets, data)


def look_up(table: Table, values: pa.Array) -> NDArray[np.int64]:
    """Local rows of a string array [n]: null and "" -> 0, not in the table -> 1."""
    offsets, data, valid = buffers(values)
    rows = _find(table.slots, table.offsets, table.data, offsets, data)
    rows[~valid] = 0
    return rows


def hash_rows(values: pa.Array, buckets: int) -> NDArray[np.int64]:
    """Local rows of a string array [n]: null and "" -> 0, else 2 + hash mod buckets."""
    offsets, data, valid = buffers(values)
    rows = _hash(offsets, data, buckets)
    rows[~valid] = 0
    return rows


def buffers(values: pa.Array) -> tuple[Offsets, Bytes, NDArray[np.bool_]]:
    """Offsets [n + 1], the bytes they point into, and which values are not null [n], of a string array."""
    wide = pa.types.is_large_string(values.type)
    _, offset_buffer, data_buffer = values.buffers()
    start, n = values.offset, len(values)
    if offset_buffer is None or offset_buffer.size == 0:
        offsets = np.zeros(1, np.int64)
    else:
        found = np.frombuffer(offset_buffer, np.int64 if wide else np.int32)
        offsets = found[start : start + n + 1].astype(np.int64)
    has_bytes = data_buffer is not None and data_buffer.size > 0
    data = np.frombuffer(data_buffer, np.uint8) if has_bytes else np.zeros(1, np.uint8)
    valid = np.ones(n, np.bool_) if values.null_count == 0 else values.is_valid().to_numpy(zero_copy_only=False)
    return offsets, data, valid


@njit(cache=True)
def _insert(slots: NDArray[np.int64], offsets: Offsets, data: Bytes) -> None:
    last = np.uint64(len(slots) - 1)
    for i in range(len(offsets) - 1):
        place = hash_bytes(data, offsets[i], offsets[i + 1]) & last
        while slots[place] != 0:
            place = (place + np.uint64(1)) & last
        slots[place] = i + 2


@njit(cache=True)
def _same(a: Bytes, a_start: int, b: Bytes, b_start: int, length: int) -> bool:
    for i in range(length):  # noqa: SIM110  numba does not compile generators
        if a[a_start + i] != b[b_start + i]:
            return False
    return True


@njit(cache=True)
def _find(
    slots: NDArray[np.int64], texts: Offsets, text_data: Bytes, offsets: Offsets, data: Bytes
) -> NDArray[np.int64]:
    last = np.uint64(len(slots) - 1)
    rows = np.zeros(len(offsets) - 1, np.int64)
    for i in range(len(rows)):
        start, length = offsets[i], offsets[i + 1] - offsets[i]
        if length == 0:
            continue
        rows[i] = 1
        place = hash_bytes(data, start, start + length) & last
        while slots[place] != 0:
            text = slots[place] - 2
            if texts[text + 1] - texts[text] == length and _same(text_data, texts[text], data, start, length):
                rows[i] = slots[place]
                break
            place = (place + np.uint64(1)) & last
    return rows


@njit(cache=True)
def _hash(offsets: Offsets, data: Bytes, buckets: int) -> NDArray[np.int64]:
    rows = np.zeros(len(offsets) - 1, np.int64)
    for i in range(len(rows)):
        if offsets[i + 1] > offsets[i]:
            rows[i] = 2 + np.int64(hash_bytes(data, offsets[i], offsets[i + 1]) % np.uint64(buckets))
    return rows
