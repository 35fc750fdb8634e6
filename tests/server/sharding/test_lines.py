"""Lines between a front and shards, over real sockets in one loop: who may speak, who is waited for, who is back."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import uvloop

from adcascade.cascade.sharding.fan import ANSWERED, AWAY, LATE, SHORTENED, VERSION
from adcascade.cascade.sharding.messages import Ask, Challenge, Encoded, Found, Holds, Proof, Terms, encode
from adcascade.cascade.sharding.shard import Shard
from adcascade.cascade.sharding.share import Share
from adcascade.cascade.sharding.standing import Standing
from adcascade.contracts import AdRequest
from adcascade.errors import ConfigurationError, InputError
from adcascade.server.sharding.fan import PATIENCE, ShardFan
from adcascade.server.sharding.frames import GREETING, HEAD, Cutter, framed, line_key
from adcascade.server.sharding.listener import FrontLine
from adcascade.server.sharding.seats import parse_addresses

KEY = line_key(b"a key for tests only, 32 bytes..")
ASK = Ask(0, "v1", 0, 0, AdRequest(id="r", time_us=1, slots=()), (), (), False, Encoded(b"", b"", b"", 0, 0, b""))
SECOND_NS = 1_000_000_000


class Stub:
    """A shard that finds one ad of its own; `mute`: it says nothing; `breaks`: it raises."""

    def __init__(self, number: int, count: int) -> None:
        self.share = Share(number, count)
        self.versions: tuple[str, ...] = ("v1",)
        self.snapshot = SimpleNamespace(version=1, n=0, campaigns=[], campaign_index_of={}, campaign=np.empty(0, int))
        self.asked: list[Ask] = []
        self.standings: list[Standing] = []
        self.row = number - 1
        self.cut = ""
        self.breaks = False

    def answer(self, ask: Ask, standing: Standing, waited_ns: int) -> Found:
        """Its one ad."""
        assert waited_ns >= 0
        if self.breaks:
            raise RuntimeError("this shard is broken")
        self.asked.append(ask)
        self.standings.append(standing)
        one, row = np.ones(1, "<f4").tobytes(), np.array([self.row], "<i4").tobytes()
        return Found(ask.number, ask.version, 5, self.cut, row, one, one, one, one, one)


class Mute(FrontLine):
    """Greets, and says nothing more while its shard is mute."""

    def _hear(self, message: object, came: int) -> None:
        if not (isinstance(message, Ask) and getattr(self._shard, "mute", False)):
            super()._hear(message, came)  # type: ignore[arg-type]


class Place:
    """A shard's address, at which it may listen or not."""

    def __init__(self, stub: Stub, key: bytes = KEY) -> None:
        self.stub, self.key = stub, key
        self.lines: set[FrontLine] = set()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address: tuple[str, int] = probe.getsockname()
        self.server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: Mute(cast("Shard", self.stub), self.key, self.lines), *self.address
        )

    async def shut(self) -> None:
        """Hang up."""
        if self.server is not None:
            self.server.close()
            for line in list(self.lines):
                line.close()
            await until(lambda: not self.lines)
            self.server = None


async def until(true: Callable[[], bool], patience_s: float = 20.0) -> None:
    """Wait for it."""
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


@asynccontextmanager
async def standing(places: Sequence[Place]) -> AsyncIterator[ShardFan]:
    """A fan to all of them, which listen."""
    for place in places:
        await place.open()
    fan = ShardFan([place.address for place in places], KEY)
    async with fan.running():
        try:
            yield fan
        finally:
            for place in places:
                await place.shut()


def living(count: int, test: Callable[[list[Place], ShardFan], Awaitable[None]]) -> None:
    """Run a test with so many shards."""

    async def life() -> None:
        places = [Place(Stub(number, count)) for number in range(1, count + 1)]
        async with standing(places) as fan:
            await test(places, fan)

    uvloop.run(life())


def test_all_shards_are_asked_the_same_at_once() -> None:
    """Each hears the question within nine tenths of the time, and all answers are gathered."""

    async def test(places: list[Place], fan: ShardFan) -> None:
        answers = await asyncio.gather(*(fan.ask(ASK, SECOND_NS) for _ in range(20)))
        for gathered in answers:
            assert sorted(int(part.ad[0]) for part in gathered.parts) == [0, 1, 2]
            assert gathered.cut == ""
        for place in places:
            assert [ask.left_us for ask in place.stub.asked] == [900_000] * 20
        assert fan.counts == {(f"{number}/3", ANSWERED): 20 for number in (1, 2, 3)}
        assert (fan.present, fan.absent) == (["1/3", "2/3", "3/3"], [])

    living(3, test)


def test_a_mute_shard_is_waited_for_until_the_time_is_over_and_then_no_more() -> None:
    """After some late answers in a row nobody waits for it; it is back when it speaks again."""

    async def test(places: list[Place], fan: ShardFan) -> None:
        places[1].stub.mute = True  # type: ignore[attr-defined]
        for _ in range(PATIENCE):
            start = time.monotonic()
            gathered = await fan.ask(ASK, SECOND_NS // 20)
            assert time.monotonic() - start >= 0.049
            assert gathered.cut == "late: 2/2"
            assert [part.ad.tolist() for part in gathered.parts] == [[0]]
        await until(lambda: fan.present == ["1/2"])
        assert "5 questions in a row were not answered in time" in fan.absent[0]
        assert (await fan.ask(ASK, SECOND_NS)).cut == "away: 2/2"
        places[1].stub.mute = False  # type: ignore[attr-defined]
        await until(lambda: len(fan.present) == 2)
        assert (await fan.ask(ASK, SECOND_NS)).cut == ""
        assert fan.counts["2/2", LATE] == PATIENCE

    living(2, test)


def test_a_shard_that_hangs_up_is_away_at_once_and_comes_back() -> None:
    """Questions on their way end without it; when it listens again it is asked again, and told all terms anew."""

    async def test(places: list[Place], fan: ShardFan) -> None:
        fan.tell({"k": 0.5}, {"closed"})
        places[0].stub.mute = True  # type: ignore[attr-defined]
        asking = asyncio.create_task(fan.ask(ASK, 20 * SECOND_NS))
        await until(lambda: len(places[1].stub.asked) == 1)
        await places[0].shut()
        assert (await asking).cut == "away: 1/2"
        assert fan.present == ["2/2"]
        places[0].stub.mute = False  # type: ignore[attr-defined]
        await places[0].open()
        await until(lambda: len(fan.present) == 2)
        assert (await fan.ask(ASK, SECOND_NS)).cut == ""
        heard = places[0].stub.standings[-1]
        assert (heard._alphas, heard._closed) == ({"k": 0.5}, {"closed"})

    living(2, test)


def test_terms_are_told_by_what_changed() -> None:
    """And heard before the next question."""

    async def test(places: list[Place], fan: ShardFan) -> None:
        for alphas, closed in (({"a": 0.5}, {"x"}), ({"a": 0.7, "b": 0.2}, {"y"}), ({}, set[str]())):
            fan.tell(alphas, closed)
            await fan.ask(ASK, SECOND_NS)
            heard = places[0].stub.standings[-1]
            assert (heard._alphas, heard._closed) == (alphas, closed)

    living(1, test)


def test_answers_of_another_bundle_or_of_others_ads_are_not_used() -> None:
    """What the shard says of itself counts, and an ad that is not its own ends its line."""

    async def test(places: list[Place], fan: ShardFan) -> None:
        places[0].stub.cut, places[1].stub.cut = VERSION, "ranking: late"
        gathered = await fan.ask(ASK, SECOND_NS)
        assert gathered.cuts == {VERSION: ["1/2"], SHORTENED: ["2/2"]}
        assert [part.ad.tolist() for part in gathered.parts] == [[1]]
        places[0].stub.cut, places[0].stub.row = "", 1
        assert AWAY in (await fan.ask(ASK, SECOND_NS)).cuts
        assert "ads of its own only" in fan.absent[0]

    living(2, test)


def test_no_time_is_no_question() -> None:
    """A request whose time is over asks nobody, and everybody is late."""

    async def test(places: list[Place], fan: ShardFan) -> None:
        assert (await fan.ask(ASK, 0)).cut == "late: 1/2 2/2"
        assert not places[0].stub.asked

    living(2, test)


def test_a_broken_shard_breaks_its_line_only() -> None:
    """What it raises is its own; the other's ads are there."""

    async def test(places: list[Place], fan: ShardFan) -> None:
        places[0].stub.breaks = True
        gathered = await fan.ask(ASK, SECOND_NS)
        assert gathered.cut == "away: 1/2"
        assert [part.ad.tolist() for part in gathered.parts] == [[1]]

    living(2, test)


def test_bundles_are_followed_when_all_that_are_there_hold_them() -> None:
    """News of a shard's bundles arrive unasked; after a minute a front goes ahead."""

    async def test(places: list[Place], fan: ShardFan) -> None:
        assert fan.follows("", 0)
        assert not fan.follows("v2", 0)
        for place in places:
            place.stub.versions = ("v2", "v1")
            for line in place.lines:
                line.announce()
        await until(lambda: fan.follows("v2", 0))
        assert not fan.follows("v3", 0)
        assert fan.follows("v3", 60_000_000)
        assert fan.status()[0]["bundles"] == "v2 v1"

    living(2, test)


@pytest.mark.parametrize(
    ("stubs", "key", "said"),
    [
        ([Stub(1, 2), Stub(1, 2)], KEY, "a number that 127.0.0.1"),
        ([Stub(1, 3), Stub(2, 3)], KEY, "one of 2 shards, as many as this front names"),
        ([Stub(1, 1)], line_key(b"another secret of somebody else."), "the shard closed the line"),
    ],
)
def test_who_does_not_belong_here_is_told_so(stubs: list[Stub], key: bytes, said: str) -> None:
    """Two shards of one number, shards of another division, another secret: a sentence, and no question."""

    async def life() -> None:
        places = [Place(stub, key) for stub in stubs]
        async with standing(places) as fan:
            await until(lambda: any(said in sentence for sentence in fan.absent))
            assert len(fan.present) < len(places)

    uvloop.run(life())


def test_a_stranger_learns_nothing() -> None:
    """Whoever asks before the proof, proves wrongly, or sends what is too large or no message is hung up on."""
    ask = framed(ASK)
    words = [ask, framed(Proof(b"x" * 16, b"y" * 32)), HEAD.pack(GREETING + 1), b"GET / HTTP/1.1\r\n\r\n"]
    words += [framed(Terms({})), framed(Holds(1, 1, ())), framed(Challenge(b""))]

    async def life() -> None:
        place = Place(Stub(1, 1))
        await place.open()
        for word in words:
            reader, writer = await asyncio.open_connection(*place.address)
            writer.write(word)
            said = await asyncio.wait_for(reader.read(), 10)
            (challenge,) = Cutter().feed(said)
            assert isinstance(challenge, Challenge)
            writer.close()
            await writer.wait_closed()
        assert not place.stub.asked
        await place.shut()

    uvloop.run(life())


def test_frames_are_cut_wherever_they_break() -> None:
    """One byte at a time or all at once; a frame above the limit is refused before it is held."""
    data = framed(Terms({"a": 0.5})) + framed(Holds(1, 1, ("v",)))
    cutter = Cutter()
    one = [message for place in range(len(data)) for message in cutter.feed(data[place : place + 1])]
    assert one == list(Cutter().feed(data)) == [Terms({"a": 0.5}), Holds(1, 1, ("v",))]
    with pytest.raises(InputError, match="at most 256 bytes"):
        list(Cutter().feed(HEAD.pack(257)))
    assert framed(Terms({})) == HEAD.pack(len(encode(Terms({})))) + encode(Terms({}))


@pytest.mark.parametrize("text", ["here", ":80", "h:", "h:0", "h:70000", "h:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """And so is one that comes twice."""
    with pytest.raises(ConfigurationError, match="expected host:port"):
        parse_addresses([text])
    with pytest.raises(ConfigurationError, match="named twice"):
        parse_addresses(["a:1", "b:1", "a:1"])
    assert parse_addresses(["a:1", " [::1]:90 "]) == (("a", 1), ("::1", 90))
