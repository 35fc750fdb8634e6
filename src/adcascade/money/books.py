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
from typing import Any, Protocol, TypeVar

from adcascade.errors import StoreError
from adcascade.events.receipt import Receipt
from adcascade.money.audit import Difference
from adcascade.money.charge import Charge
from adcascade.money.charged import Charged
from adcascade.money.leases import Ask, Grant
from adcascade.money.purses import Purse
from adcascade.money.statement import Statement
from adcascade.money.tables import Entry
from adcascade.money.terms import Budget, Left
from adcascade.money.transfers import Transfer

__all__ = ["Books", "Transfer", "answered"]

T = TypeVar("T")


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

    def remainders(self, leases: Sequence[int]) -> "Future[dict[int, int]]":
        """What is left of those of the leases that are open: neither charged nor returned."""
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

    def newest(self, before: int, limit: int, *, advertiser: str) -> list[tuple[int, Entry]]:
        """(number, booking) of an advertiser below the number `before`, newest first, at most `limit`."""
        ...

    def spent(self, campaign: str, day: int | None = None) -> int:
        """Micros charged to a campaign on one of its days, or ever."""
        ...

    def verify(self) -> list[Difference]:
        """Recompute every kept sum from the bookings: what differs, and every overspent limit. Empty: all is right."""
        ...

    def spent_today(self, now_us: int) -> dict[str, int]:
        """Micros charged on the day that runs, by campaign; who spent nothing is absent."""
        ...

    def purses(self, now_us: int) -> dict[str, Purse]:
        """What every advertiser's money does now; whose never moved is absent."""
        ...

    def report(self) -> list[dict[str, Any]]:
        """One row per campaign and day: what was charged and leased, fees, refunds, and the limits now in force."""
        ...

    def accounts(self) -> dict[str, int]:
        """What every account holds, by its bookings: together zero."""
        ...

    def statements(self, advertiser: str, first: int, last: int) -> list[Statement]:
        """One statement a day, numbered in the advertiser's own zone, from the first to the last."""
        ...

    def today(self, advertiser: str, now_us: int) -> int:
        """Number of the day that runs for the advertiser."""
        ...

    def charges(self, campaign: str | None = None) -> list[dict[str, Any]]:
        """Every charge in order: number, time_us, campaign, day, micros (with the fee), lease, bid_id, event, fee."""
        ...

    def charged(self, bids: Sequence[str]) -> dict[str, Charged]:
        """What those of the bids that were charged cost, fee included, refunds not taken off.

        The event is named as this machine's journal names it; one of another machine, "MACHINE/ID".
        """
        ...

    def refunded(self) -> dict[str, int]:
        """Micros given back in all, by bid; what was never refunded is absent."""
        ...

    def untraced(self) -> list[str]:
        """Bids that were charged for an event that the log does not hold; none, unless somebody altered it."""
        ...

    def sources(self, bid_id: str) -> list[tuple[str, int, str]]:
        """(kind, seq, id) of the log's records behind a charge: the auction of the bid, the event that billed it."""
        ...

    @property
    def trouble(self) -> str:
        """Why the ledger cannot be reached, "" while it can."""
        ...

    @property
    def promise(self) -> str:
        """A word for the status page: what the books promise of what they answered."""
        ...

    def close(self) -> None:
        """Carry out what was ordered and let go of the ledger; a journal that holds it stays open."""
        ...


def answered(future: "Future[T]", within_s: float | None) -> T:
    """What the ledger answers; StoreError where it does not in time (None: whenever it does)."""
    try:
        return future.result(timeout=within_s)
    except TimeoutError as error:
        raise StoreError(f"the ledger did not answer within {within_s} s") from error
