"""A connection to Redis: scripts are loaded when it is made, orders go out in pipelines."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, Protocol

import msgspec
import redis

from adcascade.errors import ConfigurationError, InputError, StoreError
from adcascade.money.day import Calendar
from adcascade.money.terms import NO_TERMS, Budget, Terms

NAMES = ("claim", "terms", "left", "grant", "give_back", "close", "charge", "transfer", "refund")
PREFIX = "{adcascade}"  # in braces: on a cluster all keys lie together
ANSWER_S = 5.0  # a script takes milliseconds
CONNECT_S = 3.0
TRIES = 8  # of an order whose expectations were not met: somebody else was quicker each time
# what Redis must promise so that nothing is lost of what it answered
PROMISES = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}

_encode = msgspec.msgpack.Encoder().encode


class Stale(Exception):  # noqa: N818  no error: a word of an order to its line
    """The books are not as the order expected: read again, and give it another time."""


class Order(Protocol):
    """Something to be done in one script."""

    script: str

    def arguments(self, line: "RedisLine") -> object:
        """What the script gets; may read what it must know."""
        ...

    def answer(self, reply: Any, line: "RedisLine") -> object:
        """The answer in our words. Raises Stale, or what is wrong with the order."""
        ...


Action = Order | Callable[["RedisLine"], Any]  # done in one script, or only read


class RedisLine:
    """One connection. weak: a server that promises less than it must is taken all the same."""

    def __init__(self, url: str, *, weak: bool = False, answer_s: float = ANSWER_S) -> None:
        """StoreError where nobody answers, ConfigurationError where the server does not promise enough."""
        try:
            self.client: Any = redis.Redis.from_url(
                url, socket_timeout=answer_s, socket_connect_timeout=CONNECT_S, retry=None
            )
        except ValueError as error:
            raise ConfigurationError(f"money.books: {error}; give redis://host:6379/0") from error
        self._rules: dict[str, str] = {}  # of advertisers, as last read
        self._terms: dict[str, Terms] = {}
        try:
            self.missing = _missing(self.client)
            source = files("adcascade.money.redis") / "scripts"
            common = (source / "common.lua").read_text("utf-8")
            self._sources = {name: common + (source / f"{name}.lua").read_text("utf-8") for name in NAMES}
            self._load()
        except redis.RedisError as error:
            self.client.close()
            raise StoreError(str(error)) from error
        if self.missing and not weak:
            self.client.close()
            raise ConfigurationError(
                "the Redis of money.books could lose what it has answered: set "
                + ", ".join(f"`{name} {PROMISES[name]}` (it has {found!r})" for name, found in self.missing.items())
                + " in its configuration, or set money.redis_weak = true in adcascade.toml to accept that"
            )

    def perform(self, orders: Sequence[Action]) -> list[object]:
        """Every order, those that were not as expected again; durable when it returns. Then what is only read."""
        answers: dict[int, object] = {}
        waiting = [place for place, order in enumerate(orders) if not callable(order)]
        try:
            for _ in range(TRIES):
                waiting = self._round(orders, waiting, answers)
                if not waiting:
                    break
                self.forget()
            answers |= {place: self._read(order) for place, order in enumerate(orders) if callable(order)}
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise StoreError(str(error)) from error
        for place in waiting:
            answers[place] = StoreError("the terms change so quickly that the order never met them; ask again")
        return [answers[place] for place in range(len(orders))]

    def close(self) -> None:
        """Hang up."""
        self.client.close()

    def forget(self) -> None:
        """Read terms and rules again before they are used."""
        self._rules.clear()
        self._terms.clear()

    def rules(self, advertiser: str) -> str:
        """The advertiser's rules as they are stored, "" where it has none."""
        if advertiser not in self._rules:
            self._rules[advertiser] = (self.client.hget(key("rules"), advertiser) or b"").decode()
        return self._rules[advertiser]

    def calendar(self, advertiser: str) -> Calendar:
        """The advertiser's days."""
        return rules_in(self.rules(advertiser))[1]

    def terms(self, campaign: str) -> Terms:
        """The campaign's terms as last read."""
        found = self._terms.get(campaign)
        if found is None:
            stored = self.client.hget(key("terms"), campaign)
            found = NO_TERMS
            advertiser = ""
            if stored is not None:
                daily, total, advertiser, fee_bp = msgspec.json.decode(stored)
                found = Terms(Budget(daily, total, advertiser, fee_bp=fee_bp), NO_TERMS.calendar)
            prepaid, calendar = rules_in(self.rules(advertiser))
            budget = msgspec.structs.replace(found.budget, prepaid=prepaid, timezone=calendar.timezone)
            found = self._terms[campaign] = Terms(budget, calendar)
        return found

    def _round(self, orders: Sequence[Action], places: Sequence[int], answers: dict[int, object]) -> list[int]:
        """Carry out the orders at these places; those that must be tried again."""
        pipeline = self.client.pipeline(transaction=False)
        sent, again = [], []
        for place in places:
            order = orders[place]
            assert not callable(order)  # noqa: S101  those are read
            try:
                arguments = order.arguments(self)
            except InputError as error:
                answers[place] = error
                continue
            pipeline.evalsha(self._digests[order.script], 1, PREFIX, _encode(arguments))
            sent.append((place, order))
        for (place, order), reply in zip(sent, pipeline.execute(raise_on_error=False), strict=True):
            if isinstance(reply, redis.exceptions.NoScriptError):  # somebody has flushed them
                self._load()
                again.append(place)
                continue
            if isinstance(reply, (redis.ConnectionError, redis.TimeoutError)):
                raise reply
            try:
                answers[place] = reply if isinstance(reply, Exception) else order.answer(reply, self)
            except Stale:
                again.append(place)
            except (InputError, StoreError) as error:
                answers[place] = error
        return again

    def _read(self, read: "Callable[[RedisLine], object]") -> object:
        try:
            return read(self)
        except (InputError, redis.ResponseError) as error:
            return error

    def _load(self) -> None:
        self._digests = {name: self.client.script_load(source) for name, source in self._sources.items()}


def key(name: str) -> str:
    """The name of a key."""
    return f"{PREFIX}:{name}"


def rules_in(stored: str) -> tuple[bool, Calendar]:
    """(prepaid, calendar) of stored rules."""
    if not stored:
        return False, NO_TERMS.calendar
    prepaid, *calendar = msgspec.json.decode(stored)
    return prepaid, Calendar(*calendar)


def rules_out(prepaid: bool, calendar: Calendar) -> str:  # noqa: FBT001  as it is stored
    """Rules as they are stored."""
    return msgspec.json.encode([prepaid, *msgspec.structs.astuple(calendar)]).decode()


def _missing(client: Any) -> dict[str, str]:
    """What the server is set to where it must be set otherwise."""
    found = {name: client.config_get(name).get(name, "") for name in PROMISES}
    return {name: value for name, value in found.items() if value != PROMISES[name]}
