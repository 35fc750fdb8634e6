"""A log that can be read several times: the journal, a sequence, or an iterator that is spooled to a temporary file."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import IO, Self

import msgspec

from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.events.records import Record
from adcascade.events.table import KINDS, to_record


class Replay:
    """Records in order of arrival, as often as asked; use it as a context manager."""

    def __init__(self, source: Journal | Iterable[Record]) -> None:
        self._journal: Journal | None = None
        self._sequence: Sequence[Record] = ()
        self._file: IO[bytes] | None = None
        if isinstance(source, Journal):
            self._journal = source
        elif isinstance(source, Sequence):
            self._sequence = source
        else:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__
            _spool(source, self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, *kinds: str) -> Iterator[Record]:
        """The records of these kinds from the first on; readers may interleave."""
        if self._journal is not None:
            for _, record in self._journal.read(kinds=kinds):
                yield record
            return
        for record in self._sequence if self._file is None else _unspool(self._file):
            kind = KINDS.get(type(record))
            if kind is None:
                raise InputError("records", record, "records of events/records.py", "pass the journal itself")
            if kind in kinds:
                yield record


def _spool(records: Iterable[Record], file: IO[bytes]) -> None:
    encode = msgspec.msgpack.Encoder().encode
    for record in records:
        payload = encode(record)
        file.write(len(payload).to_bytes(4, "little") + payload)


def _unspool(file: IO[bytes]) -> Iterator[Record]:
    """Every read finds its own place again: another reader may have moved the file's."""
    place = 0
    while True:
        file.seek(place)
        head = file.read(4)
        if not head:
            return
        payload = file.read(int.from_bytes(head, "little"))
        place += 4 + len(payload)
        yield to_record(payload)
