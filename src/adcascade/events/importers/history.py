"""What a user did before: point-in-time sequences of past items, along a stream in order of time.

A row's history holds only what happened strictly earlier; its own moment is not in it.
Memory grows with users (a row of L int32 a user and item column) and with distinct items, not with rows.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Numbering:
    """Numbers for values in the order of their first coming."""

    def __init__(self) -> None:
        self._number: dict[object, int] = {}
        self._values: list[object] = []

    def __len__(self) -> int:
        return len(self._values)

    def number(self, column: pa.ChunkedArray | pa.Array) -> Ints:
        """The numbers of these values, int64 [n]; -1 for null."""
        chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        known = np.full(len(coded.dictionary) + 1, -1)
        for place, value in enumerate(coded.dictionary.to_pylist()):
            if value not in self._number:
                self._number[value] = len(self._values)
                self._values.append(value)
            known[place] = self._number[value]
        codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy()
        numbers: Ints = known[codes]
        return numbers

    def values(self) -> pa.Array:
        """All values, by number, as text."""
        return pa.array(self._values, pa.string())


class PastItems:
    """Remembers the last `length` items of every user.

    items: columns of text that describe one item, kept in step (past_cate[i] and past_brand[i] are of one item).
    """

    def __init__(self, items: Sequence[str], length: int) -> None:
        self.items, self.length = tuple(items), length
        self._users = Numbering()
        self._numbering = {name: Numbering() for name in items}
        self._kept = {name: np.zeros((0, length), np.int32) for name in items}  # [U, L], the newest last
        self._count = np.zeros(0, np.int64)  # [U] how many of them are real

    def add(self, table: pa.Table, is_item: NDArray[np.bool_]) -> pa.Table:
        """The table with a column past_<item> for each item column; then its own items are remembered.

        table: sorted by time_us, with user and the item columns; it begins later than the last one ended.
        is_item: which rows are themselves something that the user did, bool [n].
        """
        user = self._users.number(table["user"]) + 1  # 0 is nobody
        self._grow(len(self._users) + 1)
        present, local = np.unique(user, return_inverse=True)
        order = np.argsort(local, kind="stable")  # by user, then by time
        who = local[order]
        carried = self._count[present]
        done = is_item[order] & (present[who] > 0)
        window = _windows(who, table["time_us"].to_numpy()[order], done, carried, self.length)
        back = np.argsort(order, kind="stable")
        for name in self.items:
            number = self._numbering[name].number(table[name])[order]
            flat = self._line_up(self._kept[name], present, carried, (who, number, done))
            column = _lists(flat, window[0][back], window[1][back], self._numbering[name].values())
            table = table.append_column(f"past_{name}", column)
            self._remember(name, present, flat, window[2])
        self._count[present] = np.minimum(np.diff(window[2]), self.length)
        return table

    def _grow(self, users: int) -> None:
        """Make room for so many users, doubling."""
        if users > len(self._count):
            more = max(users, 2 * len(self._count)) - len(self._count)
            self._count = np.concatenate([self._count, np.zeros(more, np.int64)])
            for name, kept in self._kept.items():
                self._kept[name] = np.concatenate([kept, np.zeros((more, self.length), np.int32)])

    def _line_up(
        self, kept: NDArray[np.int32], present: Ints, carried: Ints, rows: tuple[Ints, Ints, NDArray[np.bool_]]
    ) -> Ints:
        """All items of the present users, old then new, user by user."""
        who, number, done = rows
        newest = np.arange(self.length) >= self.length - carried[:, None]  # [P, L]
        old = kept[present][newest]
        place = np.concatenate([np.repeat(np.arange(len(present)), carried), who[done]])
        return np.concatenate([old, number[done]])[np.argsort(place, kind="stable")]

    def _remember(self, name: str, present: Ints, flat: Ints, starts: Ints) -> None:
        """Keep the last L items of each present user; starts: where each begins in `flat`, int64 [P + 1]."""
        place = starts[1:, None] - self.length + np.arange(self.length)  # [P, L]
        known = place >= starts[:-1, None]
        if len(flat):
            self._kept[name][present] = np.where(known, flat[np.clip(place, 0, len(flat) - 1)], 0)


def _windows(who: Ints, time: Ints, done: NDArray[np.bool_], carried: Ints, length: int) -> tuple[Ints, Ints, Ints]:
    """Per row where its history begins and ends among its user's items, and where each user's items begin.

    who, time, done: rows by user and time, [n]; carried: older items of each user, [P].
    """
    users = len(carried)
    new = np.bincount(who[done], minlength=users)
    starts = np.concatenate([[0], np.cumsum(carried + new)])  # [P + 1]
    first_row = np.ones(len(who), np.bool_)
    first_row[1:] = (who[1:] != who[:-1]) | (time[1:] != time[:-1])
    moment = np.maximum.accumulate(np.where(first_row, np.arange(len(who)), 0))  # first row of the same user and time
    before: Ints = np.cumsum(done) - done  # new items of all users before the row
    new_before = np.cumsum(new) - new  # [P]
    end = starts[who] + carried[who] + before[moment] - new_before[who]
    return np.maximum(starts[who], end - length), end, starts


def _lists(flat: Ints, begin: Ints, end: Ints, values: pa.Array) -> pa.Array:
    """Row i holds the values of flat[begin[i]:end[i]]; a null value stays a null item."""
    lengths = end - begin
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    place = np.repeat(begin - offsets[:-1], lengths) + np.arange(offsets[-1])
    numbers = flat[place]
    items = values.take(pa.array(numbers, mask=numbers < 0))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items)


def whole_moments(tables: Iterator[pa.Table], key: str = "time_us") -> Iterator[pa.Table]:
    """The same rows, cut so that rows of one time are never in two tables; the stream is in order of time."""
    held: list[pa.Table] = []
    for table in tables:
        if not len(table):
            continue
        times = table[key].to_numpy()
        cut = int(np.searchsorted(times, times[-1], side="left"))
        if cut or (held and held[-1][key][-1].as_py() != times[-1]):
            yield pa.concat_tables([*held, table.slice(0, cut)])
            held = []
        held.append(table.slice(cut))
    if held:
        yield pa.concat_tables(held)
