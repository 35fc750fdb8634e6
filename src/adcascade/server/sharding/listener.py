"""Listener: a shard's side of its lines, and its process until SIGINT or SIGTERM."""

import asyncio
import hmac
import os
import signal
import socket
import time
from collections.abc import Callable

import structlog
import uvloop

from adcascade.cascade.sharding.messages import Ask, Challenge, Holds, Message, Proof, Terms
from adcascade.cascade.sharding.shard import Shard
from adcascade.cascade.sharding.standing import Standing
from adcascade.errors import InputError
from adcascade.server.metrics import Metrics
from adcascade.server.sharding.frames import LARGEST, NONCE, Cutter, framed, proof_of
from adcascade.server.upkeep import EVERY_S, upkeep_lifespan

GREET_S = 5.0  # for a front to prove itself
MOST_LINES = 1_024


class FrontLine(asyncio.Protocol):
    """One front. lines: all of the process, which it joins when it has proved itself."""

    def __init__(self, shard: Shard, key: bytes, lines: set["FrontLine"]) -> None:
        self._shard, self._key, self._lines = shard, key, lines
        self._cutter = Cutter()
        self._nonce = os.urandom(NONCE)
        self._standing = Standing(shard.snapshot)
        self._greeted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as TCP has it
        """Ask for the proof."""
        self._transport = transport
        self._patience = asyncio.get_running_loop().call_later(GREET_S, transport.abort)
        if len(self._lines) >= MOST_LINES:
            transport.abort()
        transport.write(framed(Challenge(self._nonce)))

    def data_received(self, data: bytes) -> None:
        """Questions are answered in the order in which they came; whatever is no message of a front ends the line."""
        came = time.perf_counter_ns()
        try:
            for message in self._cutter.feed(data):
                self._hear(message, came)
        except InputError as error:
            structlog.get_logger().warning("front refused", why=str(error))
            self._transport.abort()
        except Exception as error:  # noqa: BLE001  a front's line ends, and the shard goes on
            structlog.get_logger().error("question failed", exc_info=error)
            self._transport.abort()

    def _hear(self, message: Message, came: int) -> None:
        match message:
            case Ask() if self._greeted:
                waited = time.perf_counter_ns() - came
                self._transport.write(framed(self._shard.answer(message, self._standing, waited)))
            case Terms() if self._greeted:
                self._standing.hear(message)
            case Proof() if not self._greeted:
                self._greet(message)
            case _:
                raise InputError("message", type(message).__name__, "the word of a front")

    def _greet(self, told: Proof) -> None:
        nonces = self._nonce, told.nonce
        if not hmac.compare_digest(told.proof, proof_of(self._key, "front", *nonces)):
            raise InputError("proof", "a wrong one", "one by the same secret", "set ADCASCADE_SECRET alike everywhere")
        self._greeted, self._cutter.limit = True, LARGEST
        self._patience.cancel()
        self._lines.add(self)
        self.announce(proof_of(self._key, "shard", *nonces))

    def announce(self, proof: bytes = b"") -> None:
        """Who the shard is, and which bundles it holds."""
        share = self._shard.share
        self._transport.write(framed(Holds(share.number, share.count, self._shard.versions, proof)))

    def close(self) -> None:
        """The shard ends; what was answered still leaves."""
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the signature is asyncio's
        """The front is gone, and what it told."""
        self._patience.cancel()
        self._lines.discard(self)


class ShardUpkeep:
    """The shard's upkeep, after which every front hears of another bundle."""

    def __init__(self, shard: Shard, lines: set[FrontLine]) -> None:
        self._shard, self._lines = shard, lines
        self.read_catalog, self.take_catalog, self.prepare = shard.read_catalog, shard.take_catalog, shard.prepare

    def upkeep(self, now_us: int) -> None:
        """Once a second."""
        before = self._shard.versions
        self._shard.upkeep(now_us)
        if self._shard.versions != before:
            for line in self._lines:
                line.announce()


def _now_us() -> int:
    return time.time_ns() // 1000


async def serve(shard: Shard, listener: socket.socket, key: bytes, clock: Callable[[], int] = _now_us) -> None:
    """Answer fronts at a bound socket until SIGINT or SIGTERM."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    lines: set[FrontLine] = set()
    server = await loop.create_server(lambda: FrontLine(shard, key, lines), sock=listener)
    async with upkeep_lifespan(ShardUpkeep(shard, lines), Metrics(), clock, EVERY_S)(None):
        await stopped.wait()
    server.close()
    for line in list(lines):
        line.close()


def run(shard: Shard, listener: socket.socket, key: bytes) -> None:
    """The shard's process."""
    uvloop.run(serve(shard, listener, key))
