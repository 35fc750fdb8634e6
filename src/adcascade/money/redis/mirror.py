"""A mirror: the books of Redis as they stood at one moment, as tables of SQLite.

Audits, statements and reports are written once, in SQL. Here is what they read where the books lie in Redis: kept
sums and the number of bookings are read in one transaction, then the bookings up to that number, a page at a time,
into a temporary file.
"""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar, cast

import msgspec

from adcascade.money.audit import Difference
from adcascade.money.redis.line import RedisLine, key
from adcascade.money.tables import ENTRY, Entry, Kind, create

T = TypeVar("T")

PAGE = 5_000
HASHES = ("epochs", "since", "leases", "remainders", "expiries", "wallets", "used", "refunds")
SUMS = ("leased", "charged", "fee", "refunded", "fee_refunded")

_decode = msgspec.msgpack.decode


class Mirror:
    """A copy in SQL, see `SqlBooks`; what is written to it is written to nothing else."""

    def __init__(self, line: RedisLine) -> None:
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute("BEGIN")
        create(self._connection)
        kept = _kept(line)
        for entries in _pages(line, kept["number"]):
            self._connection.executemany(
                f"INSERT INTO bookings (number, {ENTRY}) VALUES ({', '.join('?' * 15)})",  # noqa: S608  constant text
                ((number, *msgspec.structs.astuple(entry)) for number, entry in entries),
            )
        self._fill(kept)
        self._connection.execute("COMMIT")
        self._used = {name.decode(): int(micros) for name, micros in kept["used"].items()}
        self._refunds = {name.decode(): int(micros) for name, micros in kept["refunds"].items()}

    def transact(self, action: Callable[[Any], T]) -> "Future[T]":
        """Run the action at once."""
        future: Future[T] = Future()
        try:
            future.set_result(action(self._connection))
        except Exception as error:  # noqa: BLE001  raised where the future is asked
            future.set_exception(error)
        return future

    def query(self, sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Rows."""
        return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Remove the copy."""
        self._connection.close()

    def own_differences(self) -> Iterator[Difference]:
        """Sums that only Redis keeps: what a campaign used in all, and what of a bid was refunded."""
        booked = dict(self.query("SELECT campaign, sum(leased + charged) FROM balances GROUP BY campaign"))
        refunded = dict(self.query("SELECT bid_id, sum(micros) FROM bookings WHERE kind = 'refund' GROUP BY bid_id"))
        for what, kept, truth in (("used", self._used, booked), ("refund", self._refunds, refunded)):
            for name in kept.keys() | truth.keys():
                if kept.get(name, 0) != truth.get(name, 0):
                    yield Difference(what=what, where=name, micros=kept.get(name, 0) - truth.get(name, 0))

    def _fill(self, kept: dict[str, Any]) -> None:
        many = self._connection.executemany
        many(
            "INSERT INTO owners (epoch, name, since_us) VALUES (?, ?, ?)",
            ((int(e), name.decode(), int(kept["since"][e])) for e, name in kept["epochs"].items()),
        )
        is_open = {int(lease) for lease in kept["open"]}
        many(
            "INSERT INTO leases (advertiser, campaign, day, epoch, fee_bp, id, remainder, expires_us, open)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *_decode(about),
                    int(lease),
                    int(kept["remainders"].get(lease, 0)),
                    int(kept["expiries"][lease]),
                    int(int(lease) in is_open),
                )
                for lease, about in kept["leases"].items()
            ),
        )
        many(
            "INSERT INTO wallets (advertiser, micros) VALUES (?, ?)",
            ((name.decode(), int(micros)) for name, micros in kept["wallets"].items()),
        )
        places = dict.fromkeys(field for name in SUMS for field in kept[name])
        many(
            "INSERT INTO balances (campaign, day, leased, charged, fee, refunded, fee_refunded)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((*_place(field), *(int(kept[name].get(field, 0)) for name in SUMS)) for field in places),
        )
        self._fill_terms(kept)

    def _fill_terms(self, kept: dict[str, Any]) -> None:
        for row in kept["terms:log"]:
            campaign, now_us, after, terms = _decode(row)
            self._connection.execute(
                "INSERT INTO budgets (campaign, since_us, after_booking, daily, total, advertiser, fee_bp)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (campaign, now_us, after, *msgspec.json.decode(terms)),
            )
        for row in kept["rules:log"]:
            advertiser, now_us, after, rules = _decode(row)
            prepaid, *calendar = msgspec.json.decode(rules)
            self._connection.execute(
                "INSERT INTO advertisers (advertiser, since_us, after_booking, prepaid, timezone, begins_us, held,"
                " held_since_us, held_until_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (advertiser, now_us, after, int(prepaid), *calendar),
            )


def entry_in(fields: dict[bytes, bytes]) -> Entry:
    """A booking of the stream."""
    words = {name.decode(): value.decode() for name, value in fields.items()}
    return Entry(
        time_us=int(words["time"]),
        kind=cast("Kind", words["kind"]),
        advertiser=words["advertiser"],
        campaign=words["campaign"],
        day=int(words["day"]),
        source=words["source"],
        target=words["target"],
        micros=int(words["micros"]),
        lease=int(words["lease"]),
        bid_id=words.get("bid"),
        event=words.get("event"),
        transfer=words.get("transfer"),
        note=words.get("note", ""),
        by=words.get("by", ""),
    )


def page(line: RedisLine, after: int, last: int | None = None) -> list[tuple[int, Entry]]:
    """Bookings from the first number above `after`, some thousands at most."""
    end = "+" if last is None else f"{last}-0"
    rows = line.client.xrange(key("bookings"), f"{after + 1}-0", end, count=PAGE)
    return [(int(number.partition(b"-")[0]), entry_in(fields)) for number, fields in rows]


def page_before(line: RedisLine, before: int) -> list[tuple[int, Entry]]:
    """Bookings from the last number below `before` down, some thousands at most."""
    if before < 2:  # numbers begin at 1
        return []
    rows = line.client.xrevrange(key("bookings"), f"({before}-0", "-", count=PAGE)
    return [(int(number.partition(b"-")[0]), entry_in(fields)) for number, fields in rows]


def _pages(line: RedisLine, last: int) -> Iterator[list[tuple[int, Entry]]]:
    after = 0
    while after < last and (entries := page(line, after, last)):
        yield entries
        after = entries[-1][0]


def _kept(line: RedisLine) -> dict[str, Any]:
    """Everything but the bookings, of one moment."""
    names = (*HASHES, *SUMS)
    pipeline = line.client.pipeline(transaction=True)
    for name in names:
        pipeline.hgetall(key(name))
    pipeline.lrange(key("terms:log"), 0, -1)
    pipeline.lrange(key("rules:log"), 0, -1)
    pipeline.zrange(key("ends"), 0, -1)
    pipeline.get(key("number"))
    *answers, terms, rules, ends, number = pipeline.execute()
    kept: dict[str, Any] = dict(zip(names, answers, strict=True))
    return kept | {"terms:log": terms, "rules:log": rules, "open": ends, "number": int(number or 0)}


def _place(field: bytes) -> tuple[str, int]:
    day, _, campaign = field.decode().partition(" ")
    return campaign, int(day)
