"""The facts of a whole log, part by part, kept as Parquet; only the newest records are read afresh.

    <folder>/seal-000000000001-000000050000.parquet      one a seal, and one a group of seals (groups.py)
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
from adcascade.reports.groups import SIZES, Seal, grouped, parted
from adcascade.reports.parts import Part, earlier_in, fits, keep, read_part, read_whole, rows_in
from adcascade.reports.refunds import NEEDED, with_refunds

STRETCH = 10_000  # records
MOST_ROWS = 1_000_000  # of a file of several seals


class Charges(Protocol):
    """What is asked of the ledger: money/books.py has it."""

    def charged(self, bids: Sequence[str], /) -> Mapping[str, Charged]:
        """Those of the bids that were charged; events as the journal names them."""
        ...

    def refunded(self) -> Mapping[str, int]:
        """Micros given back, by bid."""
        ...


class Log(NamedTuple):
    """The journal at one instant. seals: in order; newest: number of the last record; pending: numbers, in order, of
    events whose charge was not in the books yet."""

    seals: list[Seal]
    newest: int
    pending: list[int]

    def settled(self, first: int, last: int) -> bool:
        """Whether the books hold the charges of all events from the first to the last number."""
        return bisect_left(self.pending, first) == bisect_left(self.pending, last + 1)


class KeptFacts:
    """Facts of the log at `journal`, kept below `folder`. Any thread may call; any process may keep them there.

    stretch: so many numbers of the open part are kept together; sizes: so many seals are, see groups.py.
    """

    def __init__(
        self,
        journal: Path,
        folder: Path,
        names: NamesOf,
        charges: Charges,
        *,
        stretch: int = STRETCH,
        sizes: Sequence[int] = SIZES,
    ) -> None:
        self._journal, self._folder = journal, folder
        self._stretches, self._sizes = stretch, sizes
        self._names, self._charges = names, charges

    def tables(self, columns: Sequence[str], from_us: int, to_us: int) -> Iterator[pa.Table]:
        """These columns of the rows whose answer came from `from_us` until before `to_us`; a part in memory at once.

        Raises DataMissingError where there is no log, StoreError where it or a kept file cannot be read or written.
        """
        if REFUNDED not in columns:
            for part in self._parts():
                yield read_part(part, columns, from_us, to_us)
            return
        refunded = self._charges.refunded()
        needed = [name for name in KEPT.names if name in {*columns, *NEEDED}]
        for part in self._parts():
            yield with_refunds(read_part(part, needed, from_us, to_us), refunded).select(list(columns))

    def _parts(self) -> Iterator[Part]:
        """In the order of the log."""
        parts: list[Part] = []
        log, last = self._log(), 0
        for group in grouped(log.seals, self._sizes):
            found = self._group(group, parts, log)
            yield from found
            parts += found
            last = group[-1].last
        while last + self._stretches <= log.newest:
            first, last = last + 1, last + self._stretches
            parts.append(self._stretch(first, last, parts, settled=log.settled(first, last)))
            yield parts[-1]
        yield self._facts(read_payloads(self._journal, last, KINDS), parts)

    def _group(self, seals: tuple[Seal, ...], before: Sequence[Part], log: Log) -> list[Part]:
        """The facts of these seals: one part where they are final, and not too many.

        The files that a group is made of stay beside it: another process may be about to read them.
        """
        first, last = seals[0].first, seals[-1].last
        file, settled = self._folder / f"seal-{first:012d}-{last:012d}.parquet", log.settled(first, last)
        if settled and fits(file):
            return [file]
        if len(seals) == 1:
            found: list[Part] = [self._sealed(seals[0], before)]
        else:
            found = []
            for smaller in parted(seals, self._sizes):
                found += self._group(smaller, [*before, *found], log)
        if not settled or (len(seals) > 1 and sum(map(rows_in, found)) > MOST_ROWS):
            return found
        keep(file, found)
        self._sweep(last)
        return [file]

    def _sealed(self, seal: Seal, before: Sequence[Part]) -> pa.Table:
        folder = self._journal.resolve().parent / seal.folder
        return self._facts(read_seal(folder, seal.first - 1, KINDS), before)

    def _stretch(self, first: int, last: int, before: Sequence[Part], *, settled: bool) -> pa.Table:
        """The facts of a stretch of the open part; read whole, for another process may sweep the file away."""
        file = self._folder / f"open-{first:012d}-{last:012d}.parquet"
        found = read_whole(file) if settled and fits(file) else None
        if found is not None:
            return found
        records = takewhile(lambda stored: stored[0] <= last, read_payloads(self._journal, first - 1, KINDS))
        facts = self._facts(records, before)
        if settled:
            keep(file, [facts])
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
            rows = connection.execute("SELECT folder, first_seq, last_seq FROM seals ORDER BY last_seq").fetchall()
            (newest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()
            return Log([Seal(*row) for row in rows], newest, pending_events(connection))
