"""Lookup: a side table, such as the ads of a log, whose columns are attached to rows by a key.

It is held in memory: its size is that of the users or the ads, not of the log.
"""

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc


class Lookup:
    """key: its column of text; of equal keys the first row counts; columns: what is attached."""

    def __init__(self, tables: Iterable[pa.Table], key: str, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        table = pa.concat_tables(list(tables)).combine_chunks()
        self._keys = table[key].combine_chunks()
        self._table = table.select(list(columns))

    def attach(self, rows: pa.Table, key: str) -> pa.Table:
        """The rows with the looked-up columns; null where the key is not in the side table."""
        place = pc.index_in(rows[key], value_set=self._keys)
        found = self._table.take(place)
        for name in self.columns:
            rows = rows.append_column(name, found[name])
        return rows
