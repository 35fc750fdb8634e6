"""Matches: what a request and an ad have in common, as numbers that generalise to values never seen together.

    match = log(1 + how many values of the request's column are among those of the ad's column)

A page's category against the ad's, the categories of a user's past clicks against the ad's, the words of a query
against those of a title. Every value becomes a 64-bit key once (per request, per ad), so a pair costs a few
comparisons of integers. Missing values match nothing.

Letters in shapes: B samples, n ads, P keys of the request's side, Q of the ad's, M matches.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from adcascade.catalog.words import words
from adcascade.features.columns import Column
from adcascade.features.feature import Feature
from adcascade.features.keys import hash_text, key_of
from adcascade.features.prefetch import AHEAD, fetch_row

Keys = NDArray[np.int64]
NO_LEFT, NO_RIGHT = 0, 1  # padding of the two sides; never equal, and no value has these keys
TITLE_WORDS = 16  # of the ad's text that count
FLAGS = 1024  # by the last bits of a key, which are as good as chance


class Match(NamedTuple):
    """One declared match."""

    name: str
    left: str
    right: str
    left_width: int
    right_width: int
    words: bool

    @classmethod
    def of(cls, feature: Feature) -> "Match":
        """As declared; `length` left values count, one if it says nothing."""
        return cls(
            name=feature.name,
            left=feature.left,
            right=feature.right,
            left_width=feature.length or 1,
            right_width=TITLE_WORDS if feature.words else 1,
            words=feature.words,
        )

    def left_keys(self, column: Column, rows: int) -> Keys:
        """The request's keys, int64 [rows, left_width]."""
        return _keys(column, rows, self._of(self.left), (self.left_width, NO_LEFT))

    def right_keys(self, column: Column, rows: int) -> Keys:
        """The ad's keys, int64 [rows, right_width]."""
        return _keys(column, rows, self._of(self.right), (self.right_width, NO_RIGHT))

    def left_one(self, value: object) -> list[int]:
        """The keys of one request's value, padded."""
        found = _keys_of(value, self._of(self.left))[-self.left_width :]
        return found + [NO_LEFT] * (self.left_width - len(found))

    def _of(self, name: str) -> Callable[[object], list[int]]:
        return _word_keys if self.words else lambda value: _value_key(value, name)


class Matches:
    """All declared matches; keys of all of them lie side by side."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.each = [Match.of(feature) for feature in features if feature.kind == "match"]
        self._left_ends = np.cumsum([match.left_width for match in self.each], dtype=np.int64)
        self._right_ends = np.cumsum([match.right_width for match in self.each], dtype=np.int64)
        most = max((match.left_width for match in self.each), default=0)
        self._said = np.log1p(np.arange(most + 1, dtype=np.float32))  # by count

    def __len__(self) -> int:
        """M."""
        return len(self.each)

    def left(self, columns: Mapping[str, Column], rows: int) -> Keys:
        """Keys of the request's side, int64 [rows, P]."""
        parts = [match.left_keys(columns.get(match.left), rows) for match in self.each]
        return np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0), np.int64)

    def right(self, columns: Mapping[str, Column], rows: int) -> Keys:
        """Keys of the ad's side, int64 [rows, Q]."""
        parts = [match.right_keys(columns.get(match.right), rows) for match in self.each]
        return np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0), np.int64)

    def left_one(self, values: Mapping[str, object]) -> Keys:
        """Keys of one request, int64 [1, P]."""
        return np.array([[key for match in self.each for key in match.left_one(values.get(match.left))]], np.int64)

    def __call__(self, left: Keys, right: Keys) -> NDArray[np.float32]:
        """Matches float32 [n, M] of left keys [n or 1, P] with right keys [n, Q]."""
        out = np.zeros((len(right), len(self.each)), np.float32)
        if self.each:
            _count(left, right, (self._left_ends, self._right_ends), out)
        return np.log1p(out, out=out)

    def of_rows(
        self, left: Keys, right: Keys, rows: NDArray[np.int32], out: NDArray[np.float32], first: int = 0
    ) -> None:
        """The same for one request's keys [1, P] and some rows [n] of a catalog's keys [N, Q].

        Written into the columns of `out` [n, first + M] from `first` on. The whole array is passed and no view of its
        columns: a view of one row is contiguous and one of many is not, so a loop would be compiled for each.
        """
        if self.each:
            _count_rows(left[0], (right, rows), (self._left_ends, self._right_ends), self._said, (out, first))


@njit(cache=True)
def _count(left: Keys, right: Keys, ends: tuple[Keys, Keys], out: NDArray[np.float32]) -> None:
    left_ends, right_ends = ends
    for row in range(len(right)):
        mine = left[row] if len(left) > 1 else left[0]
        start, begin = 0, 0
        for m in range(len(left_ends)):
            for i in range(start, left_ends[m]):
                for j in range(begin, right_ends[m]):
                    if mine[i] == right[row, j]:
                        out[row, m] += 1
                        break
            start, begin = left_ends[m], right_ends[m]


@njit(cache=True)
def _count_rows(
    left: Keys,
    right: tuple[Keys, NDArray[np.int32]],
    ends: tuple[Keys, Keys],
    said: NDArray[np.float32],
    into: tuple[NDArray[np.float32], int],
) -> None:
    """Most pairs have nothing in common: keys are compared only where one of the ad's falls on one of the request's.

    A table of flags holds the request's keys by their last bits; an ad of whose keys none is flagged matches nothing.
    said[c]: log(1 + c).
    """
    (keys, rows), (left_ends, right_ends), (out, first) = right, ends, into
    flags = _flags(left, left_ends)
    for n in range(len(rows)):
        if n + AHEAD < len(rows):
            fetch_row(keys, rows[n + AHEAD])
        row = rows[n]
        start, begin = 0, 0
        for m in range(len(left_ends)):
            near = False
            for j in range(begin, right_ends[m]):
                near |= flags[m, keys[row, j] & (FLAGS - 1)]
            count = 0
            if near:
                for i in range(start, left_ends[m]):
                    for j in range(begin, right_ends[m]):
                        if left[i] == keys[row, j]:
                            count += 1
                            break
            out[n, first + m] = said[count]
            start, begin = left_ends[m], right_ends[m]


@njit(cache=True)
def _flags(left: Keys, ends: Keys) -> NDArray[np.bool_]:
    """Which last bits the keys of each match have, [M, FLAGS]."""
    flags = np.zeros((len(ends), FLAGS), np.bool_)
    start = 0
    for m in range(len(ends)):
        for i in range(start, ends[m]):
            flags[m, left[i] & (FLAGS - 1)] |= left[i] != NO_LEFT
        start = ends[m]
    return flags


@lru_cache(maxsize=1 << 18)
def _key(text: str) -> int:
    """A key from 2 upward."""
    return (hash_text(text) >> 2) + 2


def _value_key(value: object, name: str) -> list[int]:
    text = key_of(value, name)
    return [] if text is None else [_key(text)]


def _word_keys(value: object) -> list[int]:
    return [_key(word) for word in dict.fromkeys(words(value))] if isinstance(value, str) else []


def _keys_of(value: object, of: Callable[[object], list[int]]) -> list[int]:
    """Keys of a value, or of all items of a list."""
    if isinstance(value, list | tuple | np.ndarray):
        return [key for item in value for key in of(item)]
    return of(value)


def _keys(column: Column, rows: int, of: Callable[[object], list[int]], shape: tuple[int, int]) -> Keys:
    """A column -> keys int64 [rows, width], padded; the last `width` keys of a value count. shape: width, padding."""
    width, padding = shape
    out = np.full((rows, width), padding, np.int64)
    if column is None:
        return out
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.Array):
        return _arrow_keys(column, of, out)
    for row, value in enumerate(column):
        found = _keys_of(value, of)[-width:]
        out[row, : len(found)] = found
    return out


def _arrow_keys(array: pa.Array, of: Callable[[object], list[int]], out: Keys) -> Keys:
    """As `_keys`, working once per distinct value."""
    if pa.types.is_null(array.type):
        return out
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type) or pa.types.is_fixed_size_list(array.type):
        return _list_keys(array, of, out)
    coded = array if pa.types.is_dictionary(array.type) else pc.dictionary_encode(array)
    distinct = [_keys_of(value, of)[-out.shape[1] :] for value in coded.dictionary.to_pylist()]
    table = np.full((len(distinct) + 1, out.shape[1]), out[0, 0] if len(out) else 0, np.int64)
    for place, found in enumerate(distinct):
        table[place, : len(found)] = found
    codes = coded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    keys: Keys = table[codes]
    return keys


def _list_keys(array: pa.Array, of: Callable[[object], list[int]], out: Keys) -> Keys:
    """Lists of values, one key an item."""
    width = out.shape[1]
    lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = pc.dictionary_encode(array.flatten())
    if pa.types.is_null(flat.type.value_type):
        return out
    none = out[0, 0] if len(out) else 0
    keys = np.array([(of(value) or [none])[0] for value in flat.dictionary.to_pylist()] + [none], np.int64)
    items = keys[flat.indices.fill_null(len(keys) - 1).to_numpy(zero_copy_only=False)]
    kept = np.minimum(lengths, width)
    steps = np.arange(width)
    used = steps < kept[:, None]
    out[used] = items[((np.cumsum(lengths) - kept)[:, None] + steps)[used]]
    return out
