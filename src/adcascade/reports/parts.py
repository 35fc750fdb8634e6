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
Span = Sequence[tuple[str, str, object]]  # a filter as pyarrow has it


def earlier_in(parts: Sequence[Part], bids: Sequence[str]) -> Mapping[str, Earlier]:
    """What earlier parts know of bids: back from the newest, until all their answers are found."""
    sought, found = set(bids), {}
    counted: dict[str, list[int]] = defaultdict(lambda: [0] * len(ONCE))
    for part in reversed(parts):
        if not sought:
            break
        for row in read_part(part, LOOKED_UP, [("bid_id", "in", sorted(sought))]).to_pylist():
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
        raise StoreError(f"the facts {file} cannot be read: {error}; delete the file, it is computed again") from error


def read_part(part: Part, columns: Sequence[str], span: Span) -> pa.Table:
    if isinstance(part, pa.Table):
        return part.filter(pq.filters_to_expression(list(span))).select(list(columns))
    try:
        return pq.read_table(part, columns=list(columns), filters=list(span))
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the facts {part} cannot be read: {error}; delete the file, it is computed again") from error


def keep(file: Path, table: pa.Table) -> None:
    """Whole or not at all; where two compute it, both write the same."""
    draft = file.with_name(f".{file.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            pq.write_table(table, draft, compression="zstd")
            sync(draft)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"the facts cannot be kept in {file}: {error}; free space or mend the disk") from error


def read_whole(file: Path) -> pa.Table | None:
    """A kept file; None where it is gone."""
    try:
        return pq.read_table(file)
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the facts {file} cannot be read: {error}; delete the file, it is computed again") from error
