"""Categories: categorical values -> local rows, by a fitted vocabulary or by hashing.

Local row 0 is "missing", row 1 is "unseen", and the values follow from row 2. The same answer comes
from `one` (a Python value, a dictionary look-up) and from `many` (an Arrow array, a numba loop over
its buffers).
"""

from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.errors import InputError
from adcascade.features import tables
from adcascade.features.keys import hash_text, key_of

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

    def texts(self, values: pa.Array) -> NDArray[np.int64]:
        """The rows of a string array [n] -> int64 [n]; null and "" are missing."""
        ...


class Vocabulary:
    """Rows for the values that fitting saw; any other is "unseen"."""

    def __init__(self, values: list[str]) -> None:
        self.values = values
        self._row = {value: row for row, value in enumerate(values, FIRST)}
        self._table: tables.Table | None = None

    @property
    def size(self) -> int:
        """How many local rows."""
        return FIRST + len(self.values)

    def one(self, value: object, name: str) -> int:
        """The row of one Python value."""
        text = value if value.__class__ is str else key_of(value, name)
        return self._row.get(text, UNSEEN) if text else MISSING

    def texts(self, values: pa.Array) -> NDArray[np.int64]:
        """The rows of a string array."""
        if self._table is None:
            self._table = tables.build(self.values)
        return tables.look_up(self._table, values)


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

    def texts(self, values: pa.Array) -> NDArray[np.int64]:
        """The rows of a string array."""
        return tables.hash_rows(values, self.buckets)


def many(categories: Categories, values: pa.Array, name: str) -> NDArray[np.int64]:
    """The rows of an Arrow array [n] of strings, numbers, booleans or a dictionary of these -> int64 [n]."""
    kind = values.type
    if pa.types.is_null(kind):
        return np.zeros(len(values), np.int64)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return categories.texts(values)
    if pa.types.is_string_view(kind):
        return categories.texts(values.cast(pa.large_string()))
    if not pa.types.is_dictionary(kind):
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise InputError(name, str(kind), "a column of text or numbers")
        values = values.dictionary_encode()
    return _dictionary(categories, values, name)


def _dictionary(categories: Categories, values: pa.DictionaryArray, name: str) -> NDArray[np.int64]:
    """Encode each distinct value once, then follow the indices; null is one more entry at the end."""
    words = values.dictionary
    if pa.types.is_string(words.type) or pa.types.is_large_string(words.type):
        rows = categories.texts(words)
    else:
        rows = np.array([categories.one(word, name) for word in words.to_pylist()], np.int64)
    rows = np.append(rows, MISSING)
    index = values.indices.cast(pa.int64()).fill_null(len(rows) - 1)
    found: NDArray[np.int64] = rows[index.to_numpy()]
    return found
