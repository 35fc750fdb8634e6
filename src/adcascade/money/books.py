"""Books: what a bank and a till ask of the ledger, wherever it lies.

The ledger lies in the journal's own SQLite file (one machine: an event and its charge are one transaction), or in
PostgreSQL or Redis (several machines, each with a journal of its own: an event is on disk with the intent to charge,
then the books charge it, once by its bid id). The rules are the same everywhere, and so are their tests.

Accounts of the double entry, all in int64 micros of the one currency:

    outside                where top-ups come from and payouts go
    wallet:ADVERTISER      what lies there for the advertiser; below zero where it is billed afterwards
    lease                  taken from a wallet beforehand by a bank, for one campaign and day
    revenue, fee           what was charged: the publisher's part and the platform's

Every booking moves micros > 0 from one account to another and is never changed; all else is a sum over bookings.
For each campaign and day, and over all days with its total budget,

    charged + open leases' remainder <= budget

and for each prepaid advertiser: wallet >= 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol

from adcascade.events.receipt import Receipt
from adcascade.money.audit import Difference
from adcascade.money.charge import Charge
from adcascade.money.leases import Ask, Grant
from adcascade.money.tables import Entry
from adcascade.money.terms import Budget, Left
from adcascade.money.transfers import Transfer

__all__ = ["Books", "Transfer"]


class Books(Protocol):
    """A ledger. Futures raise StoreError while it cannot be reached: then nothing was done, ask again."""

    def claim(self, name: str, now_us: int) -> int:
        """Become the owner `name`: a new epoch, after which older owners of that name are granted nothing."""
        ...

    def set_budgets(self, budgets: Mapping[str, Budget], now_us: int) -> "Future[dict[str, Left]]":
        """Put the terms of campaigns in force; what they still allow today."""
        ...

    def grant(self, ask: Ask) -> "Future[Grant]":
        """Add to the owner's lease of this campaign and day, or open one; StoreError if fenced off."""
        ...

    def give_back(self, lease: int, micros: int, now_us: int) -> "Future[int]":
        """Return up to `micros` of the lease's uncharged remainder; how much that was."""
        ...

    def close_expired(self, now_us: int) -> "Future[dict[int, str]]":
        """Close every lease, of any owner, whose time is over and return its remainder: lease -> campaign."""
        ...

    def left(self, campaign: str, now_us: int) -> Left:
        """What the campaign's limits and its advertiser's wallet still allow today."""
        ...

    def wallets(self, advertisers: Sequence[str]) -> "Future[dict[str, int]]":
        """What lies in the wallets of those advertisers that have one, neither charged nor leased."""
        ...

    def charge(self, charges: Sequence[Charge]) -> "Future[list[Receipt]]":
        """Charge, each once by its bid id: one receipt a charge, the same however often its event asks for it."""
        ...

    def transfer(self, order: Transfer) -> "Future[Receipt]":
        """Book a transfer; "duplicate" where its id is known. InputError where the money is not there."""
        ...

    def refund_bids(self, bids: Sequence[str], reason: str, time_us: int, by: str = "") -> "Future[dict[str, int]]":
        """Refund all that is left of these bids' charges: bid -> micros. Done again, it does nothing."""
        ...

    def entries(
        self, after: int = 0, *, advertiser: str | None = None, bid_id: str | None = None
    ) -> Iterator[tuple[int, Entry]]:
        """(number, booking) in order, from the first number above `after`, a page in memory at once."""
        ...

    def spent(self, campaign: str, day: int | None = None) -> int:
        """Micros charged to a campaign on one of its days, or ever."""
        ...

    def verify(self) -> list[Difference]:
        """Recompute every kept sum from the bookings: what differs, and every overspent limit. Empty: all is right."""
        ...
