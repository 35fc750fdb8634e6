"""Sort a stream of tables by time that need not fit in memory: sorted runs on disk, merged.

At most `run_rows` rows are held while runs are written, and one batch of every run while they are merged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 32_768


def by_time(tables: Iterator[pa.Table], key: str = "time_us", run_rows: int = 1_000_000) -> Iterator[pa.Table]:
    """The same rows in order of the int64 column `key`, which has no nulls.

    Rows of one moment keep their order where everything fits in one run.
    """
    with TemporaryDirectory(prefix="adcascade-sort-") as folder:
        runs: list[Path] = []
        held: list[pa.Table] = []
        for table in tables:
            held.append(table)
            if sum(map(len, held)) >= run_rows:
                runs.append(_write_run(sorted_by(pa.concat_tables(held), key), Path(folder), len(runs)))
                held = []
        last = sorted_by(pa.concat_tables(held), key) if held else None
        if not runs:
            yield from [] if last is None else _slices(last)
            return
        if last is not None:
            runs.append(_write_run(last, Path(folder), len(runs)))
        yield from _merge(runs, key)


def sorted_by(table: pa.Table, key: str) -> pa.Table:
    """The rows in order of `key`; equal keys keep their order."""
    values = table[key].to_numpy()
    if np.all(values[1:] >= values[:-1]):
        return table
    return table.take(pa.array(np.argsort(values, kind="stable")))


@dataclass
class _Run:
    """A sorted run: what is read of it and not yet passed on, and what is still on disk."""

    head: pa.Table
    rest: Iterator[pa.RecordBatch]

    def refill(self) -> None:
        """Read the next batch where nothing is left."""
        while not len(self.head):
            batch = next(self.rest, None)
            if batch is None:
                return
            self.head = pa.Table.from_batches([batch])


def _merge(paths: list[Path], key: str) -> Iterator[pa.Table]:
    """Pass on, again and again, what no unread row can precede."""
    files = [pq.ParquetFile(path) for path in paths]
    try:
        runs = [_Run(file.schema_arrow.empty_table(), file.iter_batches(BATCH)) for file in files]
        while runs:
            for run in runs:
                run.refill()
            runs = [run for run in runs if len(run.head)]
            if runs:
                yield _pass_on(runs, key)
    finally:
        for file in files:
            file.close()


def _pass_on(runs: list[_Run], key: str) -> pa.Table:
    """All rows up to the earliest end of what has been read of a run."""
    moment = min(run.head[key][-1].as_py() for run in runs)
    parts = []
    for run in runs:
        until = int(np.searchsorted(run.head[key].to_numpy(), moment, side="right"))
        parts.append(run.head.slice(0, until))
        run.head = run.head.slice(until)
    return sorted_by(pa.concat_tables(parts), key)


def _write_run(table: pa.Table, folder: Path, number: int) -> Path:
    """Write a sorted run to disk."""
    path = folder / f"{number:06d}.parquet"
    pq.write_table(table.unify_dictionaries(), path, row_group_size=BATCH, compression="lz4")
    return path


def _slices(table: pa.Table) -> Iterator[pa.Table]:
    """A table in batches."""
    for start in range(0, len(table), BATCH):
        yield table.slice(start, BATCH)
