"""The books in Redis.

Sums lie in hashes, bookings in a stream that only grows; all keys begin with "{adcascade}:". A bid's number is kept for
as long as its bookings are: for life, so that it is charged once for life and can be refunded. A charge takes about
400 bytes of memory.

Amounts of one script are doubles: limits, prices and the sums of one campaign or wallet stay below 2^53 micros (nine
thousand million of the currency). A limit above is refused (InputError), a grant stops there, a charge that would pass
it is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import redis

from adcascade.errors import InputError, StoreError
from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.money import traces
from adcascade.money.audit import Difference
from adcascade.money.charge import Charge
from adcascade.money.charged import Charged
from adcascade.money.clerk import Clerk
from adcascade.money.leases import Ask, Grant
from adcascade.money.ledger import SqlBooks
from adcascade.money.purses import Purse
from adcascade.money.redis import orders, reading
from adcascade.money.redis.line import Action, RedisLine, key
from adcascade.money.redis.mirror import Mirror, page, page_before
from adcascade.money.statement import Statement
from adcascade.money.tables import Entry
from adcascade.money.terms import Budget, Left, check_budget
from adcascade.money.transfers import Transfer, check_transfer

T = TypeVar("T")

MIRROR_S = 60.0  # that a large answer may take
ASKED = 500  # bids asked for at once


class RedisBooks:
    """The books at a URL `redis://...`. Any thread may call.

    weak: take a server that may lose what it answered; `weaknesses` then says what it is set to.
    """

    def __init__(self, url: str, journal: Journal, *, weak: bool = False) -> None:
        """journal: of this machine, to trace charges."""
        self._events = journal
        self.weaknesses: dict[str, str] = {}

        self._url, self._weak = url, weak
        self._clerk: Clerk[Action] = Clerk(url.rpartition("@")[2].removeprefix("redis://"), self._dial)

    def _dial(self) -> RedisLine:
        line = RedisLine(self._url, weak=self._weak)
        self.weaknesses = line.missing
        return line

    @property
    def trouble(self) -> str:
        """Why Redis cannot be reached, "" while it can."""
        return self._clerk.trouble

    @property
    def promise(self) -> str:
        """What is answered is on disk, unless the server was taken as it is."""
        weak = ", ".join(f"{name} is {value!r}" for name, value in self.weaknesses.items())
        return f"may lose what it answered: {weak}" if weak else "durable"

    def close(self) -> None:
        """Carry out what waits and hang up."""
        self._clerk.close()

    def claim(self, name: str, now_us: int) -> int:
        """Become the owner `name`: a new epoch, after which older owners of that name are granted nothing."""
        return int(self._clerk.order(orders.Claim(name, now_us)).result())

    def set_budgets(self, budgets: Mapping[str, Budget], now_us: int) -> "Future[dict[str, Left]]":
        """Put the terms of campaigns in force; what they still allow today."""
        for campaign, budget in budgets.items():
            check_budget(campaign, budget)
            for field, limit in (("daily", budget.daily), ("total", budget.total)):
                if limit is not None and limit > orders.MOST:
                    raise InputError(
                        f"{campaign}.{field}_budget_micros", limit, "at most 2**53 - 1 with books in Redis"
                    )
        return self._clerk.order(orders.SetTerms(dict(budgets), now_us))

    def grant(self, ask: Ask) -> "Future[Grant]":
        """Add to the owner's lease of this campaign and day, or open one; StoreError if fenced off."""
        return self._clerk.order(orders.Lend(ask))

    def give_back(self, lease: int, micros: int, now_us: int) -> "Future[int]":
        """Return up to `micros` of the lease's uncharged remainder; how much that was."""
        return self._clerk.order(orders.GiveBack(lease, micros, now_us))

    def close_expired(self, now_us: int) -> "Future[dict[int, str]]":
        """Close every lease, of any owner, whose time is over and return its remainder: lease -> campaign."""
        return self._clerk.order(orders.CloseExpired(now_us))

    def left(self, campaign: str, now_us: int) -> Left:
        """What the campaign's limits and its advertiser's wallet still allow today."""
        left: Left = self._clerk.order(orders.ReadLeft(campaign, now_us)).result()
        return left

    def wallets(self, advertisers: Sequence[str]) -> "Future[dict[str, int]]":
        """What lies in the wallets of those advertisers that have one, neither charged nor leased."""

        def read(line: RedisLine) -> dict[str, int]:
            held = line.client.hmget(key("wallets"), list(advertisers)) if advertisers else []
            return {name: int(micros) for name, micros in zip(advertisers, held, strict=True) if micros is not None}

        return self._clerk.order(read)

    def remainders(self, leases: Sequence[int]) -> "Future[dict[int, int]]":
        """What is left of those of the leases that are open: neither charged nor returned."""

        def read(line: RedisLine) -> dict[int, int]:
            if not leases:
                return {}
            left = line.client.hmget(key("remainders"), leases)
            is_open = line.client.zmscore(key("ends"), leases)
            return {
                lease: int(micros or 0)
                for lease, micros, ends in zip(leases, left, is_open, strict=True)
                if ends is not None
            }

        return self._clerk.order(read)

    def charge(self, charges: Sequence[Charge]) -> "Future[list[Receipt]]":
        """Charge, each once by its bid id: one receipt a charge, the same however often its event asks for it."""
        return self._clerk.order(orders.Book(tuple(charges)))

    def transfer(self, order: Transfer) -> "Future[Receipt]":
        """Book a transfer; "duplicate" where its id is known. InputError where the money is not there."""
        check_transfer(order)
        if order.micros > orders.MOST:
            raise InputError("micros", order.micros, "at most 2**53 - 1 with books in Redis")
        return self._clerk.order(orders.Refund(order) if order.kind == "refund" else orders.Pay(order))

    def refund_bids(self, bids: Sequence[str], reason: str, time_us: int, by: str = "") -> "Future[dict[str, int]]":
        """Refund all that is left of these bids' charges: bid -> micros. Done again, it does nothing."""
        if not reason:
            raise InputError("reason", reason, "why, in a few words")
        like = Transfer(id=reason, kind="refund", advertiser="", micros=0, time_us=time_us, note=reason, by=by)
        return self._clerk.order(lambda line: orders.refund_all(line, bids, like))

    def entries(
        self, after: int = 0, *, advertiser: str | None = None, bid_id: str | None = None
    ) -> Iterator[tuple[int, Entry]]:
        """(number, booking) in order, from the first number above `after`, a page in memory at once."""
        while rows := self._read(lambda line, after=after: page(line, after)):  # type: ignore[misc]
            for number, entry in rows:
                if advertiser in (None, entry.advertiser) and bid_id in (None, entry.bid_id):
                    yield number, entry
            after = rows[-1][0]

    def newest(self, before: int, limit: int, *, advertiser: str) -> list[tuple[int, Entry]]:
        """(number, booking) of an advertiser below the number `before`, newest first, at most `limit`."""
        found: list[tuple[int, Entry]] = []
        while len(found) < limit and (rows := self._read(lambda line, before=before: page_before(line, before))):  # type: ignore[misc]
            found += [(number, entry) for number, entry in rows if entry.advertiser == advertiser]
            before = rows[-1][0]
        return found[:limit]

    def spent(self, campaign: str, day: int | None = None) -> int:
        """Micros charged to a campaign on one of its days, or ever."""
        if day is not None:
            return self._read(lambda line: int(line.client.hget(key("charged"), f"{day} {campaign}") or 0))
        days = self._read(lambda line: line.client.hgetall(key("charged")))
        return sum(int(micros) for field, micros in days.items() if field.decode().partition(" ")[2] == campaign)

    def spent_today(self, now_us: int) -> dict[str, int]:
        """Micros charged on the day that runs, by campaign; who spent nothing is absent."""

        def read(line: RedisLine) -> dict[str, int]:
            campaigns = [name.decode() for name in line.client.hkeys(key("terms"))]
            fields = [f"{line.terms(name).calendar.day(now_us).number} {name}" for name in campaigns]
            charged = line.client.hmget(key("charged"), fields) if fields else []
            return {name: int(micros) for name, micros in zip(campaigns, charged, strict=True) if micros}

        return self._read(read)

    def purses(self, now_us: int) -> dict[str, Purse]:
        """What every advertiser's money does now; whose never moved is absent."""
        return self._mirrored(lambda books, _: books.purses(now_us))

    def charges(self, campaign: str | None = None) -> list[dict[str, Any]]:
        """Every charge in order, see `SqlBooks`."""
        return self._mirrored(lambda books, _: books.charges(campaign))

    def charged(self, bids: Sequence[str]) -> dict[str, Charged]:
        """As `Books`; others may come in between two parts."""
        found: dict[str, Charged] = {}
        for start in range(0, len(bids), ASKED):
            part = bids[start : start + ASKED]
            found |= self._read(lambda line, part=part: reading.charged(line, part))  # type: ignore[misc]
        return traces.named_here(found, self._events)

    def refunded(self) -> dict[str, int]:
        """Micros given back in all, by bid; what was never refunded is absent."""
        found: dict[str, int] = {}
        cursor = 0
        while True:
            cursor, part = self._read(lambda line, cursor=cursor: reading.refunded(line, cursor, ASKED))  # type: ignore[misc]
            found |= part
            if not cursor:
                return found

    def report(self) -> list[dict[str, Any]]:
        """One row per campaign and day, see `SqlBooks`."""
        return self._mirrored(lambda books, _: books.report())

    def accounts(self) -> dict[str, int]:
        """What every account holds, by its bookings: together zero."""
        return self._mirrored(lambda books, _: books.accounts())

    def statements(self, advertiser: str, first: int, last: int) -> list[Statement]:
        """One statement a day, numbered in the advertiser's own zone, from the first to the last."""
        return self._mirrored(lambda books, _: books.statements(advertiser, first, last))

    def today(self, advertiser: str, now_us: int) -> int:
        """Number of the day that runs for the advertiser."""
        return self._read(lambda line: line.calendar(advertiser).day(now_us).number)

    def verify(self) -> list[Difference]:
        """Recompute every kept sum from the bookings: what differs, and every overspent limit. Empty: all is right."""
        return self._mirrored(lambda books, mirror: [*books.verify(), *mirror.own_differences()])

    def overspend_micros(self) -> int:
        """Micros taken above a limit, summed over campaigns and wallets; always 0 unless adcascade is wrong."""
        return sum(difference.micros for difference in self.verify() if difference.what == "overspend")

    def untraced(self) -> list[str]:
        """Bids that were charged for an event of this machine that its journal does not hold."""
        return traces.untraced(self.entries(), self._events)

    def sources(self, bid_id: str) -> list[tuple[str, int, str]]:
        """(kind, seq, id) of this journal's records behind a charge."""
        return traces.sources(self.entries(bid_id=bid_id), self._events, bid_id)

    def _read(self, read: Callable[[RedisLine], T]) -> T:
        """Ask something that no script is needed for."""
        answer: T = self._clerk.order(read).result()
        return answer

    def _mirrored(self, read: Callable[[SqlBooks, Mirror], T]) -> T:
        """Ask a copy in SQL, over a line of its own: nobody who books waits for it."""
        line = RedisLine(self._url, weak=self._weak, answer_s=MIRROR_S)
        try:
            mirror = Mirror(line)
            try:
                return read(SqlBooks(mirror), mirror)
            finally:
                mirror.close()
        except redis.RedisError as error:
            raise StoreError(str(error)) from error
        finally:
            line.close()
