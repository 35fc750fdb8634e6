"""The ledger: every micro of every budget, in the same file and the same transactions as the events.

For each campaign and day

    charged + open leases' uncharged remainder <= daily budget

the same over all days with the total budget, and for who pays beforehand: wallet >= 0. A lease is taken from the
wallet, durably, before anything is promised against it; a charge moves money from its lease to revenue and fee; an
expired lease gives the rest back. The rules are in the modules beside this one; here is their place in the journal.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.events.table import KINDS
from adcascade.money import leases, transfers
from adcascade.money.audit import Difference, accounts, audit
from adcascade.money.charge import Charge, charge_many
from adcascade.money.charged import CHARGED_BIDS, REFUNDED_BIDS, Charged, charged_of
from adcascade.money.leases import Ask, Grant
from adcascade.money.migrate import prepare
from adcascade.money.purses import Purse, charged_today, purses
from adcascade.money.reading import snapshot
from adcascade.money.sql import queried, rows_of
from adcascade.money.statement import Statement, statements
from adcascade.money.tables import ENTRY, Entry, entry_of
from adcascade.money.terms import NO_TERMS, Budget, Left, check_budget, left, rules_of, set_terms, terms_of, wallets_of
from adcascade.money.transfers import Transfer

__all__ = ["Ask", "Budget", "Charge", "Difference", "Grant", "Ledger", "Left", "SqlBooks", "Transfer"]

T = TypeVar("T")

PAGE = 1000  # bookings read at once
EVENTS = ", ".join(f"'{kind}'" for kind in KINDS.values() if kind != "auction")


class Desk(Protocol):
    """The place where a ledger in SQL lies: a journal's file, a database, a copy of another ledger."""

    def transact(self, action: Callable[[Any], T]) -> "Future[T]":
        """Run the action inside a transaction of its own or with others; its exception reaches only its own future."""
        ...

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of what is committed."""
        ...


class SqlBooks:
    """Books in SQL, wherever they lie; the tables are there. Any thread may call."""

    def __init__(self, desk: Desk) -> None:
        self._journal = desk

    @property
    def trouble(self) -> str:
        """Nothing beyond what the place itself says."""
        return ""

    @property
    def promise(self) -> str:
        """What is answered is on disk."""
        return "durable"

    def close(self) -> None:
        """Nothing: the place is its owner's."""

    def claim(self, name: str, now_us: int) -> int:
        """Become the owner `name`: a new epoch, after which older owners of that name are granted nothing."""
        return self._journal.transact(lambda connection: leases.claim(connection, name, now_us)).result()

    def set_budgets(self, budgets: Mapping[str, Budget], now_us: int) -> "Future[dict[str, Left]]":
        """Put the terms of campaigns in force; what they still allow today."""
        for campaign, budget in budgets.items():
            check_budget(campaign, budget)
        return self._journal.transact(lambda connection: set_terms(connection, budgets, now_us))

    def grant(self, ask: Ask) -> "Future[Grant]":
        """Add to the owner's lease of this campaign and day, or open one; StoreError if fenced off."""
        return self._journal.transact(lambda connection: leases.grant(connection, ask))

    def give_back(self, lease: int, micros: int, now_us: int) -> "Future[int]":
        """Return up to `micros` of the lease's uncharged remainder to its wallet; how much that was."""
        return self._journal.transact(lambda connection: leases.give_back(connection, lease, micros, now_us))

    def close_expired(self, now_us: int) -> "Future[dict[int, str]]":
        """Close every lease, of any owner, whose time is over and return its remainder: lease -> campaign."""
        return self._journal.transact(lambda connection: leases.close_expired(connection, now_us))

    def left(self, campaign: str, now_us: int) -> Left:
        """What the campaign's limits and its advertiser's wallet still allow today, neither charged nor leased."""

        def read(connection: Any) -> Left:
            terms = terms_of(connection, (campaign,)).get(campaign, NO_TERMS)
            return left(connection, campaign, terms, terms.calendar.day(now_us).number)

        return self._journal.transact(read).result()

    def wallets(self, advertisers: Sequence[str]) -> "Future[dict[str, int]]":
        """What lies in the wallets of those advertisers that have one, neither charged nor leased."""
        return self._journal.transact(lambda connection: wallets_of(connection, advertisers))

    def remainders(self, leases: Sequence[int]) -> "Future[dict[int, int]]":
        """What is left of those of the leases that are open: neither charged nor returned."""
        sql = "SELECT id, remainder FROM leases WHERE open = 1 AND id IN (...)"
        return self._journal.transact(lambda connection: dict(rows_of(connection, sql, leases)))

    def charge(self, charges: Sequence[Charge]) -> "Future[list[Receipt]]":
        """Charge, each once by its bid id: one receipt a charge, the same however often its event asks for it."""
        return self._journal.transact(lambda connection: charge_many(connection, charges))

    def transfer(self, order: Transfer) -> "Future[Receipt]":
        """Book a transfer; "duplicate" where its id is known. InputError where the money is not there."""
        return self._journal.transact(lambda connection: transfers.transfer(connection, order))

    def refund_bids(self, bids: Sequence[str], reason: str, time_us: int, by: str = "") -> "Future[dict[str, int]]":
        """Refund all that is left of these bids' charges: bid -> micros. Done again, it does nothing."""
        return self._journal.transact(lambda connection: transfers.refund_bids(connection, bids, reason, time_us, by))

    def entries(
        self, after: int = 0, *, advertiser: str | None = None, bid_id: str | None = None
    ) -> Iterator[tuple[int, Entry]]:
        """(number, booking) in order, from the first number above `after`, a page in memory at once."""
        while rows := self._journal.query(*_chosen("number > ?", "number", after, (advertiser, bid_id), PAGE)):
            yield from _numbered(rows)
            after = rows[-1][0]

    def newest(self, before: int, limit: int, *, advertiser: str) -> list[tuple[int, Entry]]:
        """(number, booking) of an advertiser below the number `before`, newest first, at most `limit`."""
        query = _chosen("number < ?", "number DESC", before, (advertiser, None), limit)
        return list(_numbered(self._journal.query(*query)))

    def spent(self, campaign: str, day: int | None = None) -> int:
        """Micros charged to a campaign on one of its days, or ever."""
        where, values = ("", (campaign,)) if day is None else (" AND day = ?", (campaign, day))
        sql = f"SELECT coalesce(sum(charged), 0) FROM balances WHERE campaign = ?{where}"  # noqa: S608  constant text
        return int(self._journal.query(sql, values)[0][0])

    def spent_today(self, now_us: int) -> dict[str, int]:
        """Micros charged on the day that runs, by campaign; who spent nothing is absent."""

        found = self._journal.transact(lambda connection: charged_today(connection, now_us)).result()
        return {campaign: charged for campaign, _, charged in found}

    def purses(self, now_us: int) -> dict[str, Purse]:
        """What every advertiser's money does now; whose never moved is absent."""
        return self._beside(lambda connection: purses(connection, now_us))

    def charges(self, campaign: str | None = None) -> list[dict[str, Any]]:
        """Every charge in order: number, time_us, campaign, day, micros (with the fee), lease, bid_id, event, fee."""
        names = ("number", "time_us", "campaign", "day", "micros", "lease", "bid_id", "event", "fee")
        rows = self._journal.query(
            "SELECT min(number), time_us, campaign, day, CAST(sum(micros) AS BIGINT), lease, bid_id, event,"
            " CAST(sum(CASE WHEN target = 'fee' THEN micros ELSE 0 END) AS BIGINT) FROM bookings"
            " WHERE target IN ('revenue', 'fee')"
            " AND (CAST(? AS TEXT) IS NULL OR campaign = ?)"
            " GROUP BY time_us, campaign, day, lease, bid_id, event ORDER BY min(number)",
            (campaign, campaign),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def charged(self, bids: Sequence[str]) -> dict[str, Charged]:
        """What those of the bids that were charged cost, fee included, refunds not taken off."""
        return charged_of(queried(self._journal.query, CHARGED_BIDS, bids))

    def refunded(self) -> dict[str, int]:
        """Micros given back in all, by bid; what was never refunded is absent."""
        return dict(self._journal.query(REFUNDED_BIDS))

    def report(self) -> list[dict[str, Any]]:
        """One row per campaign and day: what was charged and leased, fees, refunds, and the limits now in force."""
        rows = self._journal.query(
            "SELECT campaign, day, charged, leased, fee, refunded,"
            " (SELECT daily FROM budgets b WHERE b.campaign = a.campaign ORDER BY number DESC LIMIT 1),"
            " (SELECT total FROM budgets b WHERE b.campaign = a.campaign ORDER BY number DESC LIMIT 1)"
            " FROM balances a ORDER BY campaign, day"
        )
        names = ("campaign", "day", "charged", "leased", "fee", "refunded", "daily_budget", "total_budget")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def accounts(self) -> dict[str, int]:
        """What every account holds, by its bookings: together zero."""
        return self._journal.transact(accounts).result()

    def statements(self, advertiser: str, first: int, last: int) -> list[Statement]:
        """One statement a day, numbered in the advertiser's own zone, from the first to the last."""
        return statements(self._journal.query, advertiser, first, last)

    def today(self, advertiser: str, now_us: int) -> int:
        """Number of the day that runs for the advertiser."""
        rules = self._beside(lambda connection: rules_of(connection, (advertiser,)))
        return rules[advertiser][1].day(now_us).number if advertiser in rules else NO_TERMS.calendar.day(now_us).number

    def verify(self) -> list[Difference]:
        """Recompute every balance from the bookings: what differs, and every overspent limit. Empty: all is right."""
        return self._journal.transact(audit).result()

    def overspend_micros(self) -> int:
        """Micros taken above a limit, summed over campaigns and wallets; always 0 unless adcascade is wrong."""
        return sum(difference.micros for difference in self.verify() if difference.what == "overspend")

    def _beside(self, action: Callable[[Any], T]) -> T:
        """What an action reads of the books at one instant; who books does not wait for it, where the place allows."""
        return self._journal.transact(action).result()


def _chosen(
    where: str, order: str, place: int, of: tuple[str | None, str | None], limit: int
) -> tuple[str, tuple[object, ...]]:
    """The statement that reads bookings, and its values. of: an advertiser and a bid, None: any."""
    chosen, values = "", []
    if of[0] is not None:
        chosen += " AND advertiser = ?"
        values.append(of[0])
    if of[1] is not None:  # in the words of the two indexes on bids, so that they are used
        chosen += " AND (bid_id = ? AND kind <> 'refund' OR bid_id = ? AND kind = 'refund')"
        values += [of[1], of[1]]
    sql = f"SELECT number, {ENTRY} FROM bookings WHERE {where}{chosen} ORDER BY {order} LIMIT {int(limit)}"  # noqa: S608  constant text and a number
    return sql, (place, *values)


def _numbered(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Entry]]:
    for number, *row in rows:
        yield number, entry_of(tuple(row))


class Ledger(SqlBooks):
    """The books in the file of `journal`. Writing goes through the journal's commits.

    advertiser_of: campaign -> advertiser, for a file of a version that knew no advertisers: its bookings are given to
    them when it is opened for the first time.
    """

    def __init__(self, journal: Journal, advertiser_of: Mapping[str, str] | None = None) -> None:
        super().__init__(journal)
        self._path = journal.path
        journal.transact(lambda connection: prepare(connection, advertiser_of or {})).result()

    def untraced(self) -> list[str]:
        """Bids that were charged for an event that the log does not hold; none, unless somebody altered the file."""
        rows = self._journal.query(
            "SELECT DISTINCT bid_id FROM bookings WHERE kind IN ('charge', 'fee') AND NOT EXISTS"  # noqa: S608  constant text
            f" (SELECT 1 FROM records WHERE kind IN ({EVENTS}) AND id = event)"
        )
        return [bid for (bid,) in rows]

    def sources(self, bid_id: str) -> list[tuple[str, int, str]]:
        """(kind, seq, id) of the log's records behind a charge: the auction of the bid, the event that billed it."""
        rows = self._journal.query(
            "SELECT kind, seq, id FROM records WHERE kind = 'auction' AND id = ? UNION"  # noqa: S608  constant text
            f" SELECT kind, seq, id FROM records WHERE kind IN ({EVENTS})"
            " AND id IN (SELECT event FROM bookings WHERE bid_id = ? AND kind <> 'refund') ORDER BY seq",
            (bid_id.rpartition(".")[0], bid_id),
        )
        return [(kind, seq, identity) for kind, seq, identity in rows]

    def _beside(self, action: Callable[[Any], T]) -> T:
        with snapshot(self._path) as connection:
            return action(connection)
