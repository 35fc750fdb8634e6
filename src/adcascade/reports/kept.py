"""The facts of a whole log, part by part, kept as Parquet; only the newest records are read afresh.

    <folder>/seal-000000000001-000000050000.parquet      one a seal, of the seal's name
    <folder>/open-000000050001-000000060000.parquet      one a stretch of the open part, until it is sealed

A file is computed once, when somebody asks first after its part is over, and appears whole or not at all. All of them
may be deleted: what is asked next computes them again, from the log and the ledger. With shared books a charge may
still be on its way when its part is over: such a part is computed afresh until the outbox holds none of its events.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from adcascade.errors import DataMissingError
from adcascade.events.read import read_payloads
from adcascade.events.sealed import read_seal
from adcascade.events.table import connect
from adcascade.money.charged import Charged
from adcascade.money.outbox import pending_events
from adcascade.reports.columns import KEPT, REFUNDED
from adcascade.reports.facts import KINDS, NamesOf, facts_of
from adcascade.reports.parts import Part, Span, earlier_in, fits, keep, read_part, read_whole
from adcascade.reports.refunds import NEEDED, with_refunds

STRETCH = 10_000  # records


class Charges(Protocol):
    """What is asked of the ledger: money/books.py has it."""

    def charged(self, bids: Sequence[str], /) -> Mapping[str, Charged]:
        """Those of the bids that were charged; events as the journal names them."""
        ...

    def refunded(self) -> Mapping[str, int]:
        """Micros given back, by bid."""
        ...


class Log(NamedTuple):
    """The journal at one instant. seals: (folder, first and last number) in order; newest: number of the last record;
    pending: numbers, in order, of events whose charge was not in the books yet."""

    seals: list[tuple[str, int, int]]
    newest: int
    pending: list[int]

    def settled(self, first: int, last: int) -> bool:
        """Whether the books hold the charges of all events from the first to the last number."""
        return bisect_left(self.pending, first) == bisect_left(self.pending, last + 1)


class KeptFacts:
    """Facts of the log at `journal`, kept below `folder`. Any thread may call; any process may keep them there.

    stretch: so many numbers of the open part are kept together.
    """

    def __init__(
        self, journal: Path, folder: Path, names: NamesOf, charges: Charges, *, stretch: int = STRETCH
    ) -> None:
        self._journal, self._folder, self._stretches = journal, folder, stretch
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
        log, last = self._log(), 0
        for folder, first, last in log.seals:
            parts.append(self._sealed(folder, first, last, parts, settled=log.settled(first, last)))
            yield read_part(parts[-1], columns, span)
        while last + self._stretches <= log.newest:
            first, last = last + 1, last + self._stretches
            parts.append(self._stretch(first, last, parts, settled=log.settled(first, last)))
            yield read_part(parts[-1], columns, span)
        newest_part = self._facts(read_payloads(self._journal, last, KINDS), parts)
        yield read_part(newest_part, columns, span)

    def _sealed(self, folder: str, first: int, last: int, before: Sequence[Part], *, settled: bool) -> Part:
        """The facts of a sealed part, kept where they are final."""
        file = self._folder / f"{Path(folder).name}.parquet"
        if settled and fits(file):
            return file
        facts = self._facts(read_seal(self._journal.resolve().parent / folder, first - 1, KINDS), before)
        if not settled:
            return facts
        keep(file, facts)
        self._sweep(last)
        return file

    def _stretch(self, first: int, last: int, before: Sequence[Part], *, settled: bool) -> pa.Table:
        """The facts of a stretch of the open part; read whole, for another process may sweep the file away."""
        file = self._folder / f"open-{first:012d}-{last:012d}.parquet"
        found = read_whole(file) if settled and fits(file) else None
        if found is not None:
            return found
        records = takewhile(lambda stored: stored[0] <= last, read_payloads(self._journal, first - 1, KINDS))
        facts = self._facts(records, before)
        if settled:
            keep(file, facts)
        return facts

    def _sweep(self, sealed: int) -> None:
        """Remove the stretches that seals cover by now."""
        for file in self._folder.glob("open-*.parquet"):
            if int(file.stem.rpartition("-")[2]) <= sealed:
                file.unlink(missing_ok=True)

    def _facts(self, payloads: Iterator[tuple[int, bytes]], before: Sequence[Part]) -> pa.Table:
        earlier = list(before)
        return facts_of(
            (payload for _, payload in payloads),
            self._names,
            self._charges.charged,
            lambda bids: earlier_in(earlier, bids),
        )

    def _log(self) -> Log:
        if not self._journal.exists():
            raise DataMissingError(f"there is no event log at {self._journal}; serve or simulate first")
        with closing(connect(self._journal, reading=True)) as connection:
            connection.execute("BEGIN")
            seals = connection.execute("SELECT folder, first_seq, last_seq FROM seals ORDER BY last_seq").fetchall()
            (newest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()
            return Log(seals, newest, pending_events(connection))
