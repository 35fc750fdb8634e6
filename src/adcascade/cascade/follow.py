"""Follower: what other processes of the same machine wrote into the common log, learned here as if it were our own.

Profiles, live calibrations and what is in flight are kept in memory, a copy a process. Each process reads the log
behind its own writing and learns from the records of the others, so that a click reported to one server is known
to its neighbours within about a second. What it wrote itself it learned when it was written, and passes over.
"""

from collections.abc import Callable
from itertools import islice

from adcascade.events.journal import Journal
from adcascade.events.records import Record

AT_ONCE = 20_000  # records read in one `prepare`
OWN = 1_000_000  # own records remembered until they are met in the log; the oldest leave first

Key = tuple[type, str]


class Follower:
    """Reads the log from behind the record `after`. learn: takes one record of another process."""

    def __init__(self, journal: Journal, after: int, learn: Callable[[Record], None]) -> None:
        self.journal, self.after, self._learn = journal, after, learn
        self._own: dict[Key, None] = {}  # in order of writing
        self._read: list[Record] = []

    def wrote(self, kind: type, identity: str) -> None:
        """This process hands such a record to the log, and learns from it by itself."""
        self._own[kind, identity] = None
        if len(self._own) > OWN:
            del self._own[next(iter(self._own))]

    def withdrew(self, kind: type, identity: str) -> None:
        """The log did not take the record after all, or knew it."""
        self._own.pop((kind, identity), None)

    def prepare(self) -> None:
        """Read on; may be called from a thread beside the requests."""
        if len(self._read) >= AT_ONCE:
            return
        for seq, record in islice(self.journal.read(self.after), AT_ONCE):
            self._read.append(record)
            self.after = seq

    def take(self) -> int:
        """Learn what was read, between two requests; how many records of others that were."""
        read, self._read = self._read, []
        others = 0
        for record in read:
            key = (type(record), record.id)
            if key in self._own:
                del self._own[key]
            else:
                self._learn(record)
                others += 1
        return others
