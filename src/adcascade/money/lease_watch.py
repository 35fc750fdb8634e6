"""LeaseWatch: a bank's own leases, and how it hears of what others charged to them.

A click may come to another process or machine than the one that answered. It is charged to the lease of the one that
did, which is not told; without more it would promise the same money again, and somebody's later click would find the
lease used up. So the remainders of leases are read about once a second, some hundreds at a time:

    charged elsewhere = granted - returned - charged here - remainder in the ledger

Leases that the ledger changes meanwhile, by a grant or a return, wait for the next look. What is charged here and is
on its way counts as elsewhere for a moment; the next look puts that right as well.
"""

from collections.abc import Iterator
from concurrent.futures import Future

from adcascade.errors import StoreError
from adcascade.money.account import Lease
from adcascade.money.books import Books

LOOK_US = 1_000_000  # between two looks
AT_ONCE = 500  # leases of one look; where there are more they take turns


class LeaseWatch:
    """Leases by their number; no look waits for the ledger."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._leases: dict[int, Lease] = {}
        self._looking: Future[dict[int, int]] | None = None
        self._next_us = 0
        self._taken: dict[int, int] = {}  # of the leases that are being looked at
        self._turn: Iterator[int] = iter(())

    def add(self, lease: Lease) -> None:
        """The bank draws on it."""
        self._leases[lease.id] = lease

    def pop(self, number: int) -> Lease | None:
        """The ledger closed it; None where it is another bank's."""
        return self._leases.pop(number, None)

    def free(self, number: int, micros: int) -> None:
        """So much more may be promised."""
        lease = self._leases.get(number)
        if lease is not None:
            lease.room += micros

    def charged(self, number: int, micros: int) -> None:
        """So much of it was charged here."""
        lease = self._leases.get(number)
        if lease is not None:
            lease.charged += micros

    def return_room(self, lease: Lease | None, now_us: int) -> None:
        """Give what is not promised back to the budget; the promised rest stays until it is settled or expires."""
        if lease is not None and lease.room > 0:
            self._books.give_back(lease.id, lease.room, now_us)
            lease.taken -= lease.room
            lease.room = 0

    def look(self, now_us: int) -> None:
        """Enter what the last look found; begin another where one is due."""
        if self._looking is not None and self._looking.done():
            self._enter(self._looking)
            self._looking = None
        if self._looking is None and self._leases and now_us >= self._next_us:
            self._next_us = now_us + LOOK_US
            leases = [self._leases[number] for number in self._next() if number in self._leases]
            self._taken = {lease.id: lease.taken for lease in leases if not lease.asked}
            self._looking = self._books.remainders(list(self._taken))

    def _next(self) -> Iterator[int]:
        for _ in range(min(AT_ONCE, len(self._leases))):
            number = next(self._turn, None)
            if number is None:
                self._turn = iter(list(self._leases))
                number = next(self._turn)
            yield number

    def _enter(self, looking: "Future[dict[int, int]]") -> None:
        try:
            remainders = looking.result()
        except StoreError:
            return  # the next look will tell
        for number, remainder in remainders.items():
            lease = self._leases.get(number)
            if lease is not None and lease.taken == self._taken[number]:
                elsewhere = max(0, lease.taken - lease.charged - remainder)
                lease.room += lease.elsewhere - elsewhere
                lease.elsewhere = elsewhere
