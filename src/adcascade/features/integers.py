"""Integers: rows of whole numbers straight from Arrow's buffers, without writing them as text first.

A vocabulary whose numbers lie close together is a list from number to row; numbers that are rows already need none.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from adcascade.features.words import Bytes, missing

Ids = NDArray[np.int64]
SPARSE = 8  # numbers of the range for one of the vocabulary, beyond which a list would be mostly empty
UNSEEN, FIRST = 1, 2


class Span(NamedTuple):
    """The local rows of the numbers low, low + 1, ...; 1 where one is not in the vocabulary."""

    low: int
    rows: NDArray[np.int32]


def span_of(texts: list[str]) -> Span | None:
    """The numbers among the texts of a vocabulary, text i being row i + 2; None where they lie too far apart."""
    numbers = [(int(text), row) for row, text in enumerate(texts, FIRST) if is_number(text)]
    if not numbers:
        return Span(0, np.zeros(0, np.int32))
    low, high = min(numbers)[0], max(numbers)[0]
    if high - low >= SPARSE * len(numbers) + 1024 or low < -(2**63) or high >= 2**63:
        return None
    rows = np.full(high - low + 1, UNSEEN, np.int32)
    for number, row in numbers:
        rows[number - low] = row
    return Span(low, rows)


def is_number(text: str) -> bool:
    """Whether the text is how a whole number is written: "7" and "-7", but neither "07" nor "-0"."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and (digits[0] != "0" or text == "0")


def fits(kind: pa.DataType) -> bool:
    """Whether every number of the type is an int64."""
    return bool(pa.types.is_integer(kind)) and kind != pa.uint64()


def look_up(span: Span, values: pa.Array, out: Ids, offset: int = 0) -> None:
    """Rows of an integer array [n] that `fits` into out [n], the offset added: null -> 0, not in the span -> 1."""
    numbers, valid, bit = _buffers(values)
    _look_up(span.rows, span.low, numbers, offset, out)
    missing(valid, bit, offset, out)


def own_rows(rows: int, values: pa.Array, out: Ids, offset: int = 0) -> None:
    """As `look_up` for numbers that are their own rows: 2 + number where 0 <= number < rows."""
    numbers, valid, bit = _buffers(values)
    _own_rows(np.uint64(rows), numbers, offset, out)
    missing(valid, bit, offset, out)


def _buffers(values: pa.Array) -> tuple[NDArray[np.integer], Bytes, int]:
    """The numbers, a bit for each that is not null (none where nothing is), and the place of the first bit."""
    valid, data = values.buffers()
    kind = np.dtype(values.type.to_pandas_dtype())
    found = np.frombuffer(data, kind)[values.offset : values.offset + len(values)] if len(values) else np.empty(0, kind)
    has_nulls = values.null_count > 0 and valid is not None
    return found, np.frombuffer(valid, np.uint8) if has_nulls else np.zeros(0, np.uint8), values.offset


@njit(cache=True, nogil=True)
def _look_up(rows: NDArray[np.int32], low: int, values: NDArray[np.integer], offset: int, out: Ids) -> None:
    for i in range(len(out)):
        place = np.uint64(np.int64(values[i]) - low)  # below the span it wraps to beyond it
        out[i] = offset + (np.int64(rows[place]) if place < np.uint64(len(rows)) else UNSEEN)


@njit(cache=True, nogil=True)
def _own_rows(rows: np.uint64, values: NDArray[np.integer], offset: int, out: Ids) -> None:
    for i in range(len(out)):
        number = np.int64(values[i])
        out[i] = offset + (FIRST + number if np.uint64(number) < rows else UNSEEN)
