"""The facts of a whole log, part by part: those of sealed parts are kept as Parquet, the open part is read afresh.

    <folder>/seal-000000000001-000000050000.parquet      one a seal, of the seal's name

A file is computed once, when somebody asks first after its seal, and appears whole or not at all. All of them may be
deleted: what is asked next computes them again, from the log and the ledger. With shared books a charge may still be
on its way when its hour is sealed: such a part is computed afresh until the outbox holds none of its events.
"""

import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import DataMissingError, StoreError
from adcascade.events.read import read_payloads
from adcascade.events.sealed import read_seal, sync
from adcascade.events.table import connect
from adcascade.money.charged import Charged
from adcascade.money.outbox import pending_events
from adcascade.reports.columns import DIMENSIONS, KEPT, REFUNDED
from adcascade.reports.facts import KINDS, Earlier, NamesOf, facts_of
from adcascade.reports.refunds import NEEDED, with_refunds

ONCE = ("impressions", "viewable", "clicks")  # what counts once a bid
LOOKED_UP = ["bid_id", "time_us", *(dimension.name for dimension in DIMENSIONS), "offered", *ONCE]
Part: TypeAlias = Path | pa.Table  # kept, or computed just now
Span = Sequence[tuple[str, str, object]]  # a filter as pyarrow has it


class Charges(Protocol):
    """What is asked of the ledger: money/books.py has it."""

    def charged(self, bids: Sequence[str], /) -> Mapping[str, Charged]:
        """Those of the bids that were charged; events as the journal names them."""
        ...

    def refunded(self) -> Mapping[str, int]:
        """Micros given back, by bid."""
        ...


class Sealed(NamedTuple):
    """A sealed part of the log. settled: no charge of its events is still on its way."""

    folder: str
    first_seq: int
    last_seq: int
    settled: bool


class KeptFacts:
    """Facts of the log at `journal`, kept below `folder`. Every method reads only; any thread may call."""

    def __init__(self, journal: Path, folder: Path, names: NamesOf, charges: Charges) -> None:
        self._journal, self._folder = journal, folder
        self._names, self._charges = names, charges

    def tables(self, columns: Sequence[str], from_us: int, to_us: int) -> Iterator[pa.Table]:
        """These columns of the rows whose answer came from `from_us` until before `to_us`; a part in memory at once.

        Raises DataMissingError where there is no log, StoreError where it or a kept file cannot be read or written.
        """
        span = [("time_us", ">=", from_us), ("time_us", "<", to_us)]
        if REFUNDED not in columns:
            yield from self._parts(columns, span)
            return
        refunded = self._charges.refunded()
        needed = [name for name in KEPT.names if name in {*columns, *NEEDED}]
        for table in self._parts(needed, span):
            yield with_refunds(table, refunded).select(list(columns))

    def _parts(self, columns: Sequence[str], span: Span) -> Iterator[pa.Table]:
        parts: list[Part] = []
        last = 0
        for seal in self._seals():
            parts.append(self._sealed(seal, parts))
            last = seal.last_seq
            yield _read(parts[-1], columns, span)
        open_part = self._facts(read_payloads(self._journal, last, KINDS), parts)
        yield _read(open_part, columns, span)

    def _sealed(self, seal: Sealed, before: Sequence[Part]) -> Part:
        """The facts of a sealed part, kept where they are final."""
        file = self._folder / f"{Path(seal.folder).name}.parquet"
        if seal.settled and _fits(file):
            return file
        folder = self._journal.resolve().parent / seal.folder
        facts = self._facts(read_seal(folder, seal.first_seq - 1, KINDS), before)
        if not seal.settled:
            return facts
        _write(file, facts)
        return file

    def _facts(self, payloads: Iterator[tuple[int, bytes]], before: Sequence[Part]) -> pa.Table:
        earlier = list(before)
        return facts_of(
            (payload for _, payload in payloads),
            self._names,
            self._charges.charged,
            lambda bids: _earlier(earlier, bids),
        )

    def _seals(self) -> list[Sealed]:
        """In order. What is on its way is read first: whatever is not among it is in the books by then."""
        if not self._journal.exists():
            raise DataMissingError(f"there is no event log at {self._journal}; serve or simulate first")
        with closing(connect(self._journal, reading=True)) as connection:
            pending = pending_events(connection)
            rows = connection.execute("SELECT folder, first_seq, last_seq FROM seals ORDER BY last_seq").fetchall()
        return [
            Sealed(folder, first, last, settled=bisect_left(pending, first) == bisect_left(pending, last + 1))
            for folder, first, last in rows
        ]


def _earlier(parts: Sequence[Part], bids: Sequence[str]) -> Mapping[str, Earlier]:
    """What earlier parts know of bids: back from the newest, until all their answers are found."""
    sought, found = set(bids), {}
    counted: dict[str, list[int]] = defaultdict(lambda: [0] * len(ONCE))
    for part in reversed(parts):
        if not sought:
            break
        for row in _read(part, LOOKED_UP, [("bid_id", "in", sorted(sought))]).to_pylist():
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
        return bool(pq.read_schema(file).equals(KEPT))
    except FileNotFoundError:
        return False
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the facts {file} cannot be read: {error}; delete the file, it is computed again") from error


def _read(part: Part, columns: Sequence[str], span: Span) -> pa.Table:
    if isinstance(part, pa.Table):
        return part.filter(pq.filters_to_expression(list(span))).select(list(columns))
    try:
        return pq.read_table(part, columns=list(columns), filters=list(span))
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the facts {part} cannot be read: {error}; delete the file, it is computed again") from error


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
