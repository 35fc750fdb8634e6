"""The facts of a whole log, part by part: those of sealed parts are kept as Parquet, the open part is read afresh.

    <folder>/seal-000000000001-000000050000.parquet      one a seal, of the seal's name

A file is computed once, when somebody asks first after its seal, and appears whole or not at all. All of them may be
deleted: what is asked next computes them again, from the log and the ledger.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import DataMissingError, StoreError
from adcascade.events.read import read_payloads
from adcascade.events.sealed import read_seal, sync
from adcascade.events.table import connect
from adcascade.reports.columns import DIMENSIONS, SCHEMA
from adcascade.reports.facts import KINDS, ChargesOf, Earlier, NamesOf, facts_of

ONCE = ("impressions", "viewable", "clicks")  # what counts once a bid
LOOKED_UP = ["bid_id", "time_us", *(dimension.name for dimension in DIMENSIONS), "offered", *ONCE]


class KeptFacts:
    """Facts of the log at `journal`, kept below `folder`. Every method reads only; any thread may call."""

    def __init__(self, journal: Path, folder: Path, names: NamesOf, charges: ChargesOf) -> None:
        self._journal, self._folder = journal, folder
        self._names, self._charges = names, charges

    def tables(self, columns: Sequence[str], from_us: int, to_us: int) -> Iterator[pa.Table]:
        """These columns of the rows whose answer came from `from_us` until before `to_us`; a part in memory at once.

        Raises DataMissingError where there is no log, StoreError where it or a kept file cannot be read or written.
        """
        span = [("time_us", ">=", from_us), ("time_us", "<", to_us)]
        kept: list[Path] = []
        last = 0
        for place, first, last in self._seals():  # noqa: B007  the last one is where the open part begins
            file = self._folder / f"{Path(place).name}.parquet"
            if not _fits(file):
                payloads = read_seal(self._journal.resolve().parent / place, first - 1, KINDS)
                _write(file, self._facts((payload for _, payload in payloads), kept))
            kept.append(file)
            yield _read(file, columns, span)
        open_part = self._facts((payload for _, payload in read_payloads(self._journal, last, KINDS)), kept)
        yield open_part.filter(pq.filters_to_expression(span)).select(list(columns))

    def _facts(self, payloads: Iterator[bytes], kept: Sequence[Path]) -> pa.Table:
        return facts_of(payloads, self._names, self._charges, lambda bids: _earlier(kept, bids))

    def _seals(self) -> list[tuple[str, int, int]]:
        """(folder, first seq, last seq) in order."""
        if not self._journal.exists():
            raise DataMissingError(f"there is no event log at {self._journal}; serve or simulate first")
        with closing(connect(self._journal, reading=True)) as connection:
            return connection.execute("SELECT folder, first_seq, last_seq FROM seals ORDER BY last_seq").fetchall()


def _earlier(kept: Sequence[Path], bids: Sequence[str]) -> Mapping[str, Earlier]:
    """What kept parts know of bids: back from the newest, until all their answers are found."""
    sought, found = set(bids), {}
    counted: dict[str, list[int]] = defaultdict(lambda: [0] * len(ONCE))
    for file in reversed(kept):
        if not sought:
            break
        for row in _read(file, LOOKED_UP, [("bid_id", "in", sorted(sought))]).to_pylist():
            bid_id = row["bid_id"]
            counted[bid_id] = [a + row[name] for a, name in zip(counted[bid_id], ONCE, strict=True)]
            if row["offered"]:
                dimensions = tuple(row[dimension.name] for dimension in DIMENSIONS)
                found[bid_id] = Earlier(dimensions, row["time_us"], *counted[bid_id])
                sought.discard(bid_id)
    return found


def _fits(file: Path) -> bool:
    """Whether the file is there and of this version's columns."""
    try:
        return bool(pq.read_schema(file).equals(SCHEMA))
    except FileNotFoundError:
        return False
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the facts {file} cannot be read: {error}; delete the file, it is computed again") from error


def _read(file: Path, columns: Sequence[str], span: Sequence[tuple[str, str, object]]) -> pa.Table:
    try:
        return pq.read_table(file, columns=list(columns), filters=list(span))
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the facts {file} cannot be read: {error}; delete the file, it is computed again") from error


def _write(file: Path, table: pa.Table) -> None:
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
