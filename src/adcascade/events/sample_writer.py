"""SampleWriter: writes a sample set part by part; see `samples.py` for the format."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import InputError, StoreError
from adcascade.events.sample_types import MANIFEST, PART_ROWS, ROW_GROUP, Manifest, normal


class SampleWriter:
    """Writes one sample set; use it as a context manager, and an exception inside leaves no set behind.

    `features`: declarations, as `features.feature.Feature` or as mappings with the same keys.
    `label`: "conversion" where the source has only clicks and asks which of them converted.
    Raises InputError: the folder already holds a set, or a table does not fit.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        source: str,
        features: Sequence[msgspec.Struct | Mapping[str, Any]],
        label: Literal["click", "conversion"] = "click",
    ) -> None:
        self.folder = Path(folder)
        self._source, self._label = source, label
        self._features: list[dict[str, Any]] = [msgspec.to_builtins(feature) for feature in features]
        self._parts: list[tuple[str, int]] = []
        self._held: list[pa.Table] = []
        self._held_rows = 0
        self._schema: pa.Schema | None = None
        self._part: pq.ParquetWriter | None = None
        self._part_rows = 0
        self._last_time: int | None = None
        self._ordered = True

    def __enter__(self) -> Self:
        """Make the folder and sweep away the parts of an interrupted writer."""
        if (self.folder / MANIFEST).exists():
            raise InputError(
                "folder", str(self.folder), "a folder without a sample set", "remove it first, or name another folder"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be written: {error}; give a folder that can") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is held and then the manifest; after an exception remove what was written."""
        if error is None:
            self._flush()
        self._close_part()
        if error is None:
            self._write_manifest()
        else:
            self._sweep()

    def _sweep(self) -> None:
        """Remove all part files."""
        for left in self.folder.glob("part-*.parquet"):
            left.unlink()

    @property
    def rows(self) -> int:
        """Rows taken so far."""
        return sum(rows for _, rows in self._parts) + self._part_rows + self._held_rows

    def write(self, table: pa.Table) -> None:
        """Append these rows; the first table decides the columns and their types for all."""
        table = self._fit(normal(table))
        self._watch_time(table)
        self._held.append(table)
        self._held_rows += len(table)
        if self._held_rows >= ROW_GROUP:
            self._write_groups()

    def _fit(self, table: pa.Table) -> pa.Table:
        """The table with the columns and types of the first; the first is checked against the declarations."""
        if self._schema is None:
            for feature in self._features:  # a match is computed of two columns
                names = (feature["left"], feature["right"]) if feature.get("kind") == "match" else (feature["name"],)
                if absent := set(names) - set(table.column_names):
                    raise InputError(
                        "table", table.column_names, f"a column {min(absent)!r} for the declared {feature['name']!r}"
                    )
            self._schema = table.schema
        if set(table.column_names) != set(self._schema.names):
            raise InputError("table", table.column_names, f"the columns of the first table, {self._schema.names}")
        try:
            return table.select(self._schema.names).cast(self._schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError("table", str(error), "the column types of the first table") from error

    def _watch_time(self, table: pa.Table) -> None:
        """Remember whether time has ever fallen."""
        if "time_us" not in table.column_names or table["time_us"].null_count:
            self._ordered = False
        elif len(table) and self._ordered:
            times = table["time_us"].to_numpy()
            starts = times[0] if self._last_time is None else self._last_time
            self._ordered = bool(np.all(np.diff(times, prepend=starts) >= 0))
            self._last_time = int(times[-1])

    def _write_groups(self) -> None:
        """Write all whole row groups that are held."""
        table = pa.concat_tables(self._held)
        whole = len(table) - len(table) % ROW_GROUP
        for start in range(0, whole, ROW_GROUP):
            self._write_group(table.slice(start, ROW_GROUP))
        self._held, self._held_rows = [table.slice(whole)], len(table) - whole

    def _flush(self) -> None:
        """Write what is left; a set with columns but no rows gets one empty part."""
        if self._held_rows or (self._schema is not None and not self._parts and self._part is None):
            self._write_group(pa.concat_tables(self._held))
            self._held, self._held_rows = [], 0

    def _write_group(self, group: pa.Table) -> None:
        """Append one row group to the open part."""
        group = group.unify_dictionaries().combine_chunks()
        if self._part is None:
            name = f"part-{len(self._parts):05d}.parquet"
            self._part = pq.ParquetWriter(self.folder / name, self._schema, compression="zstd")
        self._part.write_table(group, row_group_size=ROW_GROUP)
        self._part_rows += len(group)
        if self._part_rows >= PART_ROWS:
            self._close_part()

    def _close_part(self) -> None:
        """Close the open part and note its rows."""
        if self._part is not None:
            self._part.close()
            self._parts.append((f"part-{len(self._parts):05d}.parquet", self._part_rows))
            self._part, self._part_rows = None, 0

    def _write_manifest(self) -> None:
        """Write `samples.json` whole or not at all."""
        manifest = Manifest(
            source=self._source,
            rows=self.rows,
            parts=self._parts,
            features=self._features,
            label=self._label,
            ordered=self._ordered and self._last_time is not None,
        )
        draft = self.folder / f"{MANIFEST}.draft"
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        draft.replace(self.folder / MANIFEST)
