"""Parts of the facts: a table just computed, or a Parquet file that appeared whole; what they know of a bid."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import StoreError
from adcascade.events.sealed import sync
from adcascade.reports.columns import DIMENSIONS, KEPT
from adcascade.reports.facts import Earlier

ONCE = ("impressions", "viewable", "clicks")  # what counts once a bid
LOOKED_UP = ["bid_id", "time_us", *(dimension.name for dimension in DIMENSIONS), "offered", *ONCE]
Part: TypeAlias = Path | pa.Table  # kept, or computed just now
ROW_GROUP = 32_768  # rows: of a file of many parts only those of the period are read


def earlier_in(parts: Sequence[Part], bids: Sequence[str]) -> Mapping[str, Earlier]:
    """What earlier parts know of bids: back from the newest, until all their answers are found."""
    sought, found = set(bids), {}
    counted: dict[str, list[int]] = defaultdict(lambda: [0] * len(ONCE))
    for part in reversed(parts):
        if not sought:
            break
        for row in _filtered(part, LOOKED_UP, [("bid_id", "in", sorted(sought))]).to_pylist():
            bid_id = row["bid_id"]
            counted[bid_id] = [a + row[name] for a, name in zip(counted[bid_id], ONCE, strict=True)]
            if row["offered"]:
                dimensions = tuple(row[dimension.name] for dimension in DIMENSIONS)
                found[bid_id] = Earlier(dimensions, row["time_us"], *counted[bid_id])
                sought.discard(bid_id)
    return found


def fits(file: Path) -> bool:
    """Whether the file is there and of this version's columns."""
    try:
        return bool(pq.read_schema(file).equals(KEPT))
    except FileNotFoundError:
        return False
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file, error) from error


def read_part(part: Part, columns: Sequence[str], from_us: int, to_us: int) -> pa.Table:
    """These columns of the rows from `from_us` until before `to_us`."""
    if isinstance(part, Path):
        try:
            with pq.ParquetFile(part) as file:
                first_us, last_us = _times(file.metadata)
                if to_us <= first_us or last_us < from_us:
                    return KEPT.empty_table().select(list(columns))
                if from_us <= first_us and last_us < to_us:
                    return file.read(list(columns))
        except (OSError, pa.ArrowException) as error:
            raise unreadable(part, error) from error
    return _filtered(part, columns, [("time_us", ">=", from_us), ("time_us", "<", to_us)])


def rows_in(part: Part) -> int:
    """How many it has."""
    if isinstance(part, pa.Table):
        return len(part)
    try:
        return int(pq.read_metadata(part).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(part, error) from error


def read_whole(file: Path) -> pa.Table | None:
    """A kept file; None where it is gone."""
    try:
        return pq.read_table(file)
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file, error) from error


def keep(file: Path, parts: Sequence[Part]) -> None:
    """Write one file of the parts, whole or not at all; where two do so, both write the same."""
    draft = file.with_name(f".{file.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with pq.ParquetWriter(draft, KEPT, compression="zstd") as writer:
                for part in parts:
                    table = part if isinstance(part, pa.Table) else pq.read_table(part)
                    writer.write_table(table, row_group_size=ROW_GROUP)
            sync(draft)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the facts cannot be kept in {file}: {error}; free space or mend the disk") from error


def unreadable(file: Path, error: Exception) -> StoreError:
    """What to do with a file that is damaged."""
    return StoreError(f"the facts {file} cannot be read: {error}; delete the file, it is computed again")


def _times(metadata: pq.FileMetaData) -> tuple[int, int]:
    """Time of the first and of the last row; of a file without rows, the last is before the first."""
    at = KEPT.get_field_index("time_us")
    told = [metadata.row_group(place).column(at).statistics for place in range(metadata.num_row_groups)]
    if not any(metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)):
        return 0, -1
    return min(each.min for each in told if each.has_min_max), max(each.max for each in told if each.has_min_max)


def _filtered(part: Part, columns: Sequence[str], span: Sequence[tuple[str, str, object]]) -> pa.Table:
    """span: a filter as pyarrow has it."""
    if isinstance(part, pa.Table):
        return part.filter(pq.filters_to_expression(list(span))).select(list(columns))
    try:
        return pq.read_table(part, columns=list(columns), filters=list(span))
    except (OSError, pa.ArrowException) as error:
        raise unreadable(part, error) from error
