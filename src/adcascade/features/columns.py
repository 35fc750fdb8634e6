"""Columns: how one declared column becomes ids, numbers or steps; whole columns and single values alike.

A column is an Arrow array, a chunked one, a NumPy array, or a Python sequence of plain values, or None
where it is absent and so missing everywhere.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.errors import InputError
from adcascade.features.categories import Categories, many, write
from adcascade.features.numbers import Bins, Scale, numbers_of

Column: TypeAlias = pa.ChunkedArray | pa.Array | NDArray[Any] | Sequence[object] | None
Ids = NDArray[np.int64]
T = TypeVar("T", bound=np.generic)


class Field(NamedTuple):
    """A stretch of the packed table: rows offset <= row < offset + size."""

    name: str
    side: str
    kind: str
    rows: Categories | Bins
    offset: int

    @property
    def size(self) -> int:
        """How many rows."""
        return self.rows.size

    def one(self, value: object) -> int:
        """The row of one plain value."""
        return self.offset + self.rows.one(value, self.name)

    def encode(self, column: Column, out: Ids) -> None:
        """A column of n values into a column of ids, int64 [n]."""
        if column is None:
            out[:] = self.offset
            return
        arrays = arrays_of(column, len(out), self.name)
        if arrays is None:
            out[:] = [self.one(value) for value in column]
            return
        start = 0
        for values in arrays:
            self._array(values, out[start : start + len(values)])
            start += len(values)

    def _array(self, values: pa.Array, out: Ids) -> None:
        if isinstance(self.rows, Bins):
            np.add(self.rows.many(numbers_of(values, self.name)), self.offset, out=out)
        else:
            write(self.rows, values, self.name, out, self.offset)


class Number(NamedTuple):
    """A standardised number, with its indicator where it has one."""

    name: str
    side: str
    scale: Scale

    @property
    def width(self) -> int:
        """How many numbers."""
        return self.scale.width

    def one(self, value: object) -> tuple[float, ...]:
        """The numbers of one plain value."""
        return self.scale.one(value, self.name)

    def encode(self, column: Column, rows: int) -> NDArray[np.float64]:
        """A column of `rows` values -> float64 [rows, width]."""
        absent = self.scale.many(np.full(rows, np.nan))
        return by_chunks(column, self._array, self.one, absent, self.name)

    def _array(self, values: pa.Array) -> NDArray[np.float64]:
        return self.scale.many(numbers_of(values, self.name))


class Vector(NamedTuple):
    """A given vector; missing is all zero, and so is each entry that is not finite."""

    name: str
    side: str
    width: int

    def one(self, value: object) -> list[float]:
        """The numbers of one plain value: a sequence of `width` numbers, or None or an empty one."""
        if value is None or (isinstance(value, Sequence) and not value):
            return [0.0] * self.width
        try:
            found = np.asarray(value, np.float32)
        except (TypeError, ValueError):
            found = np.empty(0, np.float32)
        if found.shape != (self.width,):
            raise InputError(self.name, value, f"a vector of {self.width} numbers")
        return [x if math.isfinite(x) else 0.0 for x in found.tolist()]

    def encode(self, column: Column, rows: int) -> NDArray[np.float64]:
        """A column of `rows` vectors -> float64 [rows, width]."""
        return by_chunks(column, self._array, self.one, np.zeros((rows, self.width)), self.name)

    def _array(self, values: pa.Array) -> NDArray[np.float64]:
        out = np.zeros((len(values), self.width))
        if pa.types.is_null(values.type):
            return out
        lengths = _list_lengths(values, self.name)
        given = lengths > 0
        if np.any(lengths[given] != self.width):
            wrong = int(np.flatnonzero(given & (lengths != self.width))[0])
            raise InputError(self.name, values[wrong].as_py(), f"a vector of {self.width} numbers")
        flat = numbers_of(values.flatten(), self.name).reshape(-1, self.width)
        out[given] = np.nan_to_num(flat, nan=0.0, posinf=0.0, neginf=0.0)
        return out


class History(NamedTuple):
    """A sequence, oldest first, of which the last `length` items are kept; it shares the rows of `field`."""

    name: str
    length: int
    field: Field

    def one(self, value: object) -> list[int]:
        """The rows of one plain value: a sequence of at most any length, or None."""
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
            raise InputError(self.name, value, "a list of values, oldest first")
        return [self.field.one(item) for item in value[-self.length :]]

    def encode(self, column: Column, rows: int) -> tuple[Ids, Ids]:
        """A column of `rows` lists -> rows of the table int64 [rows, L], padded with 0, and lengths int64 [rows]."""
        absent = np.zeros((rows, self.length + 1), np.int64)
        found = by_chunks(column, self._array, self._padded, absent, self.name)
        return found[:, 1:], found[:, 0]

    def _padded(self, value: object) -> list[int]:
        items = self.one(value)
        return [len(items), *items, *[0] * (self.length - len(items))]

    def _array(self, values: pa.Array) -> Ids:
        """Lengths in column 0, steps behind."""
        out = np.zeros((len(values), 1 + self.length), np.int64)
        if pa.types.is_null(values.type):
            return out
        lengths = _list_lengths(values, self.name)
        flat = values.flatten()
        ends = np.cumsum(lengths)
        kept = np.minimum(lengths, self.length)
        steps = np.arange(self.length)
        used = steps < kept[:, None]  # [n, L]
        places = (ends - kept)[:, None] + steps  # [n, L]
        ids = self.field.offset + many(self.field.rows, flat, self.name)  # type: ignore[arg-type]
        out[:, 0] = kept
        out[:, 1:][used] = ids[places[used]]
        return out


def _list_lengths(values: pa.Array, name: str) -> Ids:
    """How many items each list of an Arrow list array holds; null holds none."""
    if not isinstance(values, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray):
        raise InputError(name, str(values.type), "a column of lists")
    lengths: Ids = pa.compute.list_value_length(values).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return lengths


def by_chunks(
    column: Column,
    whole: Callable[[pa.Array], NDArray[T]],
    one: Callable[[Any], object],
    absent: NDArray[T],
    name: str,
) -> NDArray[T]:
    """`whole` on each Arrow chunk, or `one` on each plain value; `absent` where there is no column."""
    if column is None:
        return absent
    rows = len(absent)
    arrays = arrays_of(column, rows, name)
    if arrays is None:
        return np.array([one(value) for value in column], absent.dtype).reshape(rows, *absent.shape[1:])
    parts = [whole(values) for values in arrays]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else absent[:0]


def arrays_of(column: Column, rows: int, name: str) -> Sequence[pa.Array] | None:
    """The Arrow arrays that make up a column of `rows` values; None where it is a sequence of plain values."""
    if column is None or len(column) != rows:
        raise InputError(name, None if column is None else len(column), f"{rows} values, one a row")
    if isinstance(column, np.ndarray):
        return [pa.array(column.tolist() if column.dtype.kind == "O" else column)]
    if isinstance(column, pa.ChunkedArray):
        chunks: Sequence[pa.Array] = column.chunks
        return chunks
    return [column] if isinstance(column, pa.Array) else None
