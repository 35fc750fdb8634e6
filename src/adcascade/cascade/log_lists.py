"""From the event log to its ranking lists on disk: what a pre-ranker that learns the ranker's order learns from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.events.journal import Journal
from adcascade.events.ranking_lists import Wanted, ranking_lists
from adcascade.sections import TrainSettings

FILE = "lists.parquet"
ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class RankingLists:
    """Lists in a Parquet file, in order of the log; no file is no list."""

    file: Path
    rows: int = 0

    def __len__(self) -> int:
        """The number of lists."""
        return self.rows

    def tables(self) -> Iterator[pa.Table]:
        """The lists in order, at most 4,096 at a time."""
        if self.rows:
            with pq.ParquetFile(self.file) as file:
                for batch in file.iter_batches(ROWS_AT_ONCE):
                    yield pa.Table.from_batches([batch])


def write_log_lists(journal: Journal, folder: Path, *, settings: TrainSettings, until_us: int) -> RankingLists:
    """Write the newest lists up to `until_us` into `folder`, replacing older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    file, writer, rows = folder / FILE, None, 0
    file.unlink(missing_ok=True)
    wanted = Wanted(
        since_us=until_us - round(settings.days * 86400e6),
        until_us=until_us,
        bundles=settings.list_bundles,
        most=settings.lists,
    )
    try:
        for table in ranking_lists(journal, wanted, table_rows=ROWS_AT_ONCE):
            if writer is None:
                writer = pq.ParquetWriter(file, table.schema, compression="zstd")
            writer.write_table(table)
            rows += len(table)
    finally:
        if writer is not None:
            writer.close()
    return RankingLists(file, rows)
