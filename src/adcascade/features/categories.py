"""Categories: categorical values -> local rows, by a fitted vocabulary, by hashing, or because they are rows already.

Local row 0 is "missing", row 1 is "unseen", and the values follow from row 2. The same answer comes
from `one` (a Python value, a dictionary look-up) and from `write` (an Arrow array, a numba loop over
its buffers, straight into a column of ids).
"""

from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.errors import InputError
from adcascade.features import integers, tables
from adcascade.features.keys import hash_text, key_of

Ids = NDArray[np.int64]
MISSING, UNSEEN, FIRST = 0, 1, 2


class Categories(Protocol):
    """Maps the values of one column to 0 <= row < size."""

    @property
    def size(self) -> int:
        """How many local rows, "missing" and "unseen" included."""
        ...

    def one(self, value: object, name: str) -> int:
        """The row of one Python value of the column `name`."""
        ...

    def texts(self, values: pa.Array, out: Ids, offset: int) -> None:
        """The rows of a string array [n] into out [n], the offset added; null and "" are missing."""
        ...

    def numbers(self, values: pa.Array, out: Ids, offset: int) -> bool:
        """The same of an array of integers; False, and nothing done, where only their texts lead to rows."""
        ...


class Vocabulary:
    """Rows for the values that fitting saw; any other is "unseen"."""

    def __init__(self, values: list[str]) -> None:
        self.values = values
        self._row = {value: row for row, value in enumerate(values, FIRST)}
        self._table: tables.Table | None = None
        self._span: integers.Span | None = None
        self._scattered = False  # whether its numbers lie too far apart for a span

    @property
    def size(self) -> int:
        """How many local rows."""
        return FIRST + len(self.values)

    def one(self, value: object, name: str) -> int:
        """The row of one Python value."""
        text = value if value.__class__ is str else key_of(value, name)
        return self._row.get(text, UNSEEN) if text else MISSING

    def texts(self, values: pa.Array, out: Ids, offset: int) -> None:
        """The rows of a string array."""
        if self._table is None:
            self._table = tables.build(self.values)
        tables.look_up(self._table, values, out, offset)

    def numbers(self, values: pa.Array, out: Ids, offset: int) -> bool:
        """The rows of integers; False where those of the vocabulary lie far apart."""
        if self._span is None and not self._scattered:
            self._span = integers.span_of(self.values)
            self._scattered = self._span is None
        if self._span is not None:
            integers.look_up(self._span, values, out, offset)
        return not self._scattered


class Buckets:
    """Rows by the hash of the text: nothing to fit, nothing unseen, and strangers may share a row."""

    def __init__(self, buckets: int) -> None:
        self.buckets = buckets

    @property
    def size(self) -> int:
        """How many local rows."""
        return FIRST + self.buckets

    def one(self, value: object, name: str) -> int:
        """The row of one Python value."""
        text = key_of(value, name)
        return MISSING if text is None else FIRST + hash_text(text) % self.buckets

    def texts(self, values: pa.Array, out: Ids, offset: int) -> None:
        """The rows of a string array."""
        tables.hash_rows(self.buckets, values, out, offset)

    def numbers(self, values: pa.Array, out: Ids, offset: int) -> bool:  # noqa: ARG002  their texts are hashed
        """False."""
        return False


class Numbered:
    """Whole numbers from 0 that are rows already: nothing to fit; what is not below `rows` is "unseen"."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    @property
    def size(self) -> int:
        """How many local rows."""
        return FIRST + self.rows

    def one(self, value: object, name: str) -> int:
        """The row of one Python value."""
        text = key_of(value, name)
        if text is None:
            return MISSING
        known = len(text) <= len(str(self.rows)) and integers.is_number(text) and 0 <= int(text) < self.rows
        return FIRST + int(text) if known else UNSEEN

    def texts(self, values: pa.Array, out: Ids, offset: int) -> None:
        """The rows of a string array."""
        _distinct(self, values.dictionary_encode(), "value", out, offset)

    def numbers(self, values: pa.Array, out: Ids, offset: int) -> bool:
        """The rows of integers."""
        integers.own_rows(self.rows, values, out, offset)
        return True


def many(categories: Categories, values: pa.Array, name: str) -> Ids:
    """The local rows of an Arrow array [n] -> int64 [n]; see `write`."""
    out = np.empty(len(values), np.int64)
    write(categories, values, name, out, 0)
    return out


def write(categories: Categories, values: pa.Array, name: str, out: Ids, offset: int) -> None:
    """The rows of an Arrow array [n] of strings, numbers, booleans or a dictionary of these into out [n].

    `offset` is added to each. InputError, naming the column `name`, for an array of anything else.
    """
    kind = values.type
    if pa.types.is_null(kind):
        out[:] = offset + MISSING
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        categories.texts(values, out, offset)
    elif pa.types.is_string_view(kind):
        categories.texts(values.cast(pa.large_string()), out, offset)
    elif pa.types.is_dictionary(kind):
        _distinct(categories, values, name, out, offset)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        if not (integers.fits(kind) and categories.numbers(values, out, offset)):
            _distinct(categories, values.dictionary_encode(), name, out, offset)
    else:
        raise InputError(name, str(kind), "a column of text or numbers")


def _distinct(categories: Categories, values: pa.DictionaryArray, name: str, out: Ids, offset: int) -> None:
    """Encode each distinct value once, then follow the indices; null is one more entry at the end."""
    words = values.dictionary
    rows = np.full(len(words) + 1, offset + MISSING, np.int64)
    is_text = pa.types.is_string(words.type) or pa.types.is_large_string(words.type)
    if is_text and not isinstance(categories, Numbered):
        categories.texts(words, rows[:-1], offset)
    else:
        rows[:-1] = [offset + categories.one(word, name) for word in words.to_pylist()]
    index = values.indices.cast(pa.int64()) if values.indices.type == pa.uint64() else values.indices
    if index.null_count:
        index = index.cast(pa.int64()).fill_null(len(words))
    np.take(rows, index.to_numpy(), out=out, mode="clip")  # every index is in range: Arrow's own
