"""The sample table: one row an impression, with labels, their times, and the features as columns.

Whatever the source (an importer, the join of the event log), a sample set is a folder:

    part-00000.parquet ...   the rows, in order of time where the source has time
    samples.json             source, number of rows, the features that the columns declare

Reserved columns (all but `click` may be absent; absent means unknown):

    time_us int64            when the impression happened
    request_id string        which request; rows of one request share it
    user string              pseudonymous key, for GAUC and histories
    scenario string
    position int32           slot, 0 is the best
    propensity float32       of this ad in this slot under the logging policy; null where nothing was random
    weight float32           1 unless the source subsampled
    click float32            0 or 1
    click_time_us int64
    conversion float32       0 or 1; null where the click has not matured yet
    conversion_time_us int64
    conversion_value_micros int64

All others are features, named as in the declaration: strings (dictionary-encoded where long), numbers,
lists of strings (sequences, oldest first), fixed-size lists of float32 (vectors). Null is "missing".
The importers write every categorical feature as text, also where the source has numbers for it.

Memory: the writer holds at most one row group (65,536 rows) and what one call brings; the reader one batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adcascade.errors import DataMissingError, InputError, StoreError
from adcascade.events.sample_types import MANIFEST, RESERVED, ROW_GROUP, TYPES, Manifest
from adcascade.events.sample_writer import SampleWriter

__all__ = ["RESERVED", "TYPES", "SampleWriter", "Samples"]


@dataclass(frozen=True)
class _View:
    """Which rows of the set: a range, and within it a range of time (None: open)."""

    start: int
    stop: int
    rows: int
    since_us: int | None = None
    until_us: int | None = None


class Samples:
    """A sample set on disk, or a part of one; nothing is read before it is asked for.

    Raises DataMissingError where there is no set, StoreError where it is damaged.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._manifest = _read_manifest(self.folder)
        self._view = _View(0, self._manifest.rows, self._manifest.rows)

    @property
    def source(self) -> str:
        """Where the rows come from: "criteo", "log" ..."""
        return self._manifest.source

    @property
    def label(self) -> Literal["click", "conversion"]:
        """The label that the source is about; "conversion" where every row is a click."""
        return self._manifest.label

    @property
    def ordered(self) -> bool:
        """Whether the rows are in order of time."""
        return self._manifest.ordered

    @property
    def rows(self) -> int:
        """The number of rows of this set or part."""
        return self._view.rows

    def __len__(self) -> int:
        """The number of rows of this set or part."""
        return self.rows

    @property
    def feature_declarations(self) -> list[dict[str, Any]]:
        """The features that the columns declare: `msgspec.convert(one, Feature)` for each."""
        return self._manifest.features

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types."""
        if not self._manifest.parts:
            return pa.schema([])
        with _open_part(self.folder / self._manifest.parts[0][0]) as part:
            return part.schema_arrow.remove_metadata()

    def tables(
        self, columns: Sequence[str] | None = None, batch_rows: int = ROW_GROUP, *, dictionaries: bool = False
    ) -> Iterator[pa.Table]:
        """The rows in order, at most `batch_rows` at a time, only these columns (default: all).

        dictionaries: texts come as Parquet keeps them, each once a row group and an index a row: what an encoder
        takes several times quicker.
        """
        view = self._view
        timed = view.since_us is not None or view.until_us is not None
        wanted = None if columns is None else list(columns)
        read = wanted if wanted is None or not timed or "time_us" in wanted else [*wanted, "time_us"]
        texts = [field.name for field in self.schema if pa.types.is_string(field.type)] if dictionaries else None
        for table in self._range(read, batch_rows, texts):
            chosen = _between(table, view.since_us, view.until_us) if timed else table
            if len(chosen):
                yield chosen if wanted is None else chosen.select(wanted)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows at once; only for sets, or columns, that fit in memory."""
        tables = list(self.tables(columns))
        if not tables:
            schema = self.schema
            return schema.empty_table() if columns is None else schema.empty_table().select(list(columns))
        return pa.concat_tables(tables).unify_dictionaries()

    def slice(self, start: int, stop: int | None = None) -> "Samples":
        """The rows of the set from `start` up to `stop`, as a set of its own; nothing is copied.

        A part that is bounded by time cannot be cut by rows: InputError.
        """
        if self._view.since_us is not None or self._view.until_us is not None:
            raise InputError("slice", (start, stop), "a set that is not already a part by time", "slice first")
        start = min(max(start, 0), self.rows)
        stop = self.rows if stop is None else min(max(stop, start), self.rows)
        return self._part(_View(self._view.start + start, self._view.start + stop, stop - start))

    def split_by_time(self, share: float) -> tuple["Samples", "Samples"]:
        """The earliest `share` of the rows, and the rest: no row of the first is later than one of the second.

        Rows of one moment stay together, in the second part. A set without time, or whose first `share` is all
        one moment, is cut in the order of its rows.
        """
        if not 0 <= share <= 1:
            raise InputError("share", share, "a number from 0 to 1")
        cut = round(self.rows * share)
        if cut in (0, self.rows) or "time_us" not in self.schema.names:
            return self.slice(0, cut), self.slice(cut)
        times = self.table(["time_us"])["time_us"]
        if times.null_count:
            return self.slice(0, cut), self.slice(cut)
        moment = int(np.partition(times.to_numpy(), cut)[cut])
        early = int(np.count_nonzero(times.to_numpy() < moment))
        if early == 0:
            return self.slice(0, cut), self.slice(cut)
        if self.ordered:
            return self.slice(0, early), self.slice(early)
        return (
            self._part(replace(self._view, until_us=moment, rows=early)),
            self._part(replace(self._view, since_us=moment, rows=self.rows - early)),
        )

    def between(self, since_us: int, until_us: int) -> "Samples":
        """The rows of since_us <= time_us < until_us; InputError where the set is not in order of time."""
        if not self.ordered:
            raise InputError("between", (since_us, until_us), "a set in order of time", "sort it, or slice it by rows")
        start, stop = np.searchsorted(self.table(["time_us"])["time_us"].to_numpy(), (since_us, until_us))
        return self.slice(int(start), int(stop))

    def _part(self, view: _View) -> "Samples":
        """The same set, seen through another view."""
        part = object.__new__(type(self))
        part.folder, part._manifest, part._view = self.folder, self._manifest, view
        return part

    def _range(self, columns: list[str] | None, batch_rows: int, texts: list[str] | None) -> Iterator[pa.Table]:
        """The view's range of rows, part by part."""
        offset = 0
        for name, rows in self._manifest.parts:
            start, stop = max(self._view.start - offset, 0), min(self._view.stop - offset, rows)
            offset += rows
            if start < stop:
                with _open_part(self.folder / name, texts) as part:
                    yield from _rows_of(part, (start, stop), columns, batch_rows)


def _rows_of(
    part: pq.ParquetFile, rows: tuple[int, int], columns: list[str] | None, batch_rows: int
) -> Iterator[pa.Table]:
    """Rows [start, stop) of one part, reading only the row groups that hold some of them."""
    first = rows[0] // ROW_GROUP
    groups = list(range(first, min(-(-rows[1] // ROW_GROUP), part.num_row_groups)))
    place = first * ROW_GROUP
    for batch in part.iter_batches(batch_rows, row_groups=groups, columns=columns):
        start, stop = max(rows[0] - place, 0), min(rows[1] - place, len(batch))
        place += len(batch)
        if start < stop:
            yield pa.Table.from_batches([batch.slice(start, stop - start)]).replace_schema_metadata(None)


def _between(table: pa.Table, since_us: int | None, until_us: int | None) -> pa.Table:
    """The rows of since_us <= time_us < until_us."""
    times = table["time_us"]
    keep = pa.scalar(True) if since_us is None else pc.greater_equal(times, since_us)
    return table.filter(keep if until_us is None else pc.and_(keep, pc.less(times, until_us)))


def _read_manifest(folder: Path) -> Manifest:
    """Read and check `samples.json`."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise DataMissingError(
            f"{folder} holds no sample set ({MANIFEST} is not there); make one with `adcascade import FORMAT FILE "
            f"--out {folder}`"
        ) from error
    except (msgspec.DecodeError, OSError) as error:
        raise StoreError(f"{path} is damaged: {error}; import the data again") from error
    if sum(rows for _, rows in manifest.parts) != manifest.rows:
        raise StoreError(f"{path} is damaged: its parts do not add up to {manifest.rows} rows; import the data again")
    return manifest


def _open_part(path: Path, texts: list[str] | None = None) -> pq.ParquetFile:
    """Open one part, these columns as dictionaries; StoreError where it is missing or damaged."""
    try:
        return pq.ParquetFile(path, read_dictionary=texts)
    except (OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"{path} is missing or damaged: {error}; import the data again") from error
