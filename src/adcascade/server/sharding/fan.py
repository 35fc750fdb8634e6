"""ShardFan: a front's lines to all its shards.

A question goes to every shard that is there, in the same bytes, and is over when all have answered or its time is. A
shard that is late or dead costs its own ads only. One that was late PATIENCE times in a row is given up like one whose
line broke: it is not waited for any more, and connected to again, first soon and then ever more rarely. It is back
when it has greeted, which a stopped process does not.

A front changes to another bundle when every shard that is there holds it, or after SWAP_S; an answer by another bundle
than the question's is never used.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import msgspec
import structlog

from adcascade.cascade.answer import Answer
from adcascade.cascade.sharding.fan import ANSWERED, AWAY, LATE, SHORTENED, VERSION, Gathered
from adcascade.cascade.sharding.merge import Sifted
from adcascade.cascade.sharding.messages import Ask, Found, Holds
from adcascade.contracts import AdRequest
from adcascade.errors import InputError
from adcascade.server.sharding.frames import framed
from adcascade.server.sharding.line import Line
from adcascade.server.sharding.seats import Pending, Seat
from adcascade.server.upkeep import Lifespan

PATIENCE = 5  # in a row, after which a shard is not waited for
FIRST_S, LONGEST_S = 0.1, 5.0  # before a connection is tried again
SETTLED_S = 10.0  # a line that lived so long had been sound
GREET_S = 2.0  # for connecting, and again for greeting
SWAP_S = 60.0
SHARE = 0.9  # of the time left that a shard is told; the rest is for the way


class Sharded(NamedTuple):
    """What the application of a front has beside its backend."""

    fan: "ShardFan"
    fill: Callable[[AdRequest], Awaitable[Answer]]

    def around(self, lifespan: Lifespan) -> Lifespan:
        """A lifespan that keeps the lines, too."""

        @asynccontextmanager
        async def both(app: object) -> AsyncIterator[None]:
            async with self.fan.running(), lifespan(app):
                yield

        return both


class ShardFan:
    """As cascade/sharding/fan.py wants it; lives in one event loop, within `running`."""

    def __init__(self, addresses: Sequence[tuple[str, int]], key: bytes) -> None:
        self._seats = [Seat(address) for address in addresses]
        self._key = key
        self._numbers = 0
        self._pending: dict[int, Pending] = {}
        self._terms: tuple[Mapping[str, float], Collection[str]] = ({}, ())
        self._swap: tuple[str, int] = ("", 0)  # the bundle that waits, and since when
        self._all_here = asyncio.Event()  # once
        self.counts: Counter[tuple[str, str]] = Counter()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the lines; begins when all shards have greeted, or after GREET_S without some."""
        tasks = [asyncio.create_task(self._keep(seat), name=f"shard {seat.name}") for seat in self._seats]
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_here.wait(), GREET_S)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, seat: Seat) -> None:
        """Connect, and again whenever the line is over."""
        loop, pause = asyncio.get_running_loop(), FIRST_S
        while True:
            began = loop.time()
            await self._connected(seat)
            pause = FIRST_S if loop.time() - began >= SETTLED_S else min(2 * pause, LONGEST_S)
            await asyncio.sleep(pause)

    async def _connected(self, seat: Seat) -> None:
        """One connection's life."""
        loop = asyncio.get_running_loop()
        line = Line(self._key, self)
        try:
            async with asyncio.timeout(GREET_S):
                await loop.create_connection(lambda: line, *seat.address)
                seat.line = line
                await line.greeted
            await line.closed
        except (OSError, TimeoutError) as error:
            line.drop(str(error) or f"no greeting within {GREET_S:g} s")
        finally:
            line.drop("the front ends")
            seat.line = None
            if line.trouble != seat.trouble:
                seat.trouble = line.trouble
                structlog.get_logger().warning("shard away", shard=seat.name, address=seat.address, why=line.trouble)

    # ---- what lines tell

    def _seat_of(self, line: Line) -> Seat | None:
        return next((seat for seat in self._seats if seat.line is line), None)

    def holds(self, line: Line, told: Holds) -> None:
        """Who it is must be one of as many as there are seats, and no other's."""
        seat, name = self._seat_of(line), f"{told.number}/{told.count}"
        if seat is None:
            return
        if told.count != len(self._seats) or not 1 <= told.number <= told.count:
            expected = f"one of {len(self._seats)} shards, as many as this front names"
            raise InputError("shard", name, expected, "start it with --shard, or name all shards here")
        if other := next((one for one in self._seats if one is not seat and one.line and one.shard == name), None):
            address = "{}:{}".format(*other.address)
            raise InputError("shard", name, f"a number that {address} does not have", "start each with its own --shard")
        if not line.greeted.done():
            structlog.get_logger().info("shard here", shard=name, address=seat.address)
            self._tell(line)
        seat.shard, seat.versions, seat.trouble = name, told.versions, ""
        if all(one.shard for one in self._seats):
            self._all_here.set()

    def found(self, line: Line, told: Found) -> None:
        """One that nobody waits for any more came too late."""
        pending, seat = self._pending.get(told.number), self._seat_of(line)
        if pending is None or seat is None or id(seat) not in pending.waiting:
            return
        if told.cut in (VERSION, LATE) or told.version != pending.version:
            word = told.cut if told.cut == LATE else VERSION
        else:
            part = Sifted.of(told)
            number, _, count = seat.shard.partition("/")
            if (part.ad % int(count) != int(number) - 1).any():
                raise InputError("found", seat.name, "ads of its own only")
            pending.parts.append(part)
            word = SHORTENED if told.cut else ANSWERED
        self._end(pending, seat, word)

    def lost(self, line: Line) -> None:
        """Whoever waits for it need not."""
        seat = self._seat_of(line)
        if seat is not None:
            seat.line = None
            for pending in list(self._pending.values()):
                if id(seat) in pending.waiting:
                    self._end(pending, seat, AWAY)

    def _end(self, pending: Pending, seat: Seat, word: str) -> None:
        self.counts[seat.name, word] += 1
        pending.end(seat, word)

    # ---- what the service asks

    async def ask(self, question: Ask, left_ns: int) -> Gathered:
        """Ask every shard that is there, and return when all have answered or the time is over."""
        loop = asyncio.get_running_loop()
        self._numbers += 1
        number = self._numbers
        pending = Pending(question.version, loop.create_future(), {id(seat): seat for seat in self._seats})
        for seat in self._seats:
            if seat.line is None or not seat.line.greeted.done():
                self._end(pending, seat, AWAY)
        if left_ns > 0 and pending.waiting:
            self._pending[number] = pending
            left_us = int(left_ns * SHARE / 1000)
            data = framed(msgspec.structs.replace(question, number=number, left_us=left_us))
            for seat in pending.waiting.values():
                if seat.line is not None:
                    seat.line.send(data)
            timer = loop.call_later(left_ns / 1e9, pending.over)
            try:
                await pending.done
            finally:
                timer.cancel()
                del self._pending[number]
        for seat in list(pending.waiting.values()):
            self._late(seat)
            self._end(pending, seat, LATE)
        return Gathered(pending.parts, pending.cuts)

    def _late(self, seat: Seat) -> None:
        if seat.line is not None:
            seat.line.late += 1
            if seat.line.late >= PATIENCE:
                seat.line.drop(f"{PATIENCE} questions in a row were not answered in time")

    def tell(self, alphas: Mapping[str, float], closed: Collection[str]) -> None:
        """Of pacing and money; each line hears what changed since it was told last."""
        self._terms = alphas, closed
        for seat in self._seats:
            if seat.line is not None and seat.line.greeted.done():
                self._tell(seat.line)

    def _tell(self, line: Line) -> None:
        terms = line.told.news(*self._terms)
        if terms is not None:
            line.tell(terms)

    def follows(self, version: str, now_us: int) -> bool:
        """Whether every shard that is there holds this bundle, or has had SWAP_S to load it."""
        if version != self._swap[0]:
            self._swap = version, now_us
        if not version or now_us - self._swap[1] >= SWAP_S * 1e6:
            return True
        return all(version in seat.versions for seat in self._seats if seat.line is not None)

    @property
    def present(self) -> list[str]:
        """Shards that can be asked now."""
        return [seat.name for seat in self._seats if seat.line is not None and seat.line.greeted.done()]

    @property
    def absent(self) -> list[str]:
        """Shards that cannot, as sentences."""
        away = [seat for seat in self._seats if seat.name not in self.present]
        return ["shard {} at {}:{} is away: {}".format(s.shard or "?", *s.address, s.trouble) for s in away]

    def status(self) -> list[Mapping[str, object]]:
        """A line a shard."""
        here = self.present
        return [
            {
                "shard": seat.name,
                "address": "{}:{}".format(*seat.address),
                "state": "here" if seat.name in here else seat.trouble,
                "bundles": " ".join(seat.versions),
                **{word: self.counts[seat.name, word] for word in (ANSWERED, SHORTENED, LATE, AWAY, VERSION)},
            }
            for seat in self._seats
        ]
