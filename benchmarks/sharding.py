"""What it costs to divide the ads among shards: a front and real shard processes beside one engine with all ads.

Catalog, bundle and requests are the same. CPU of the front is that of its thread, sockets included; CPU of a shard that
of its process. Shards share the machine here, so latency tells what the way costs and not what machines of one's own
would save.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from adcascade.bench.rounds import Figure, figure
from adcascade.bench.row import Row
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.cascade.sharding.messages import encode, question
from adcascade.closedloop.made_up import Sizes, requests
from adcascade.contracts import AdRequest
from adcascade.server.sharding.fan import ShardFan
from adcascade.server.sharding.frames import line_key
from adcascade.settings import signing_key

TICKS = os.sysconf("SC_CLK_TCK")
WARM = 60
CALL = (
    "import sys; from adcascade.cli.serve import *; serve(Path(sys.argv[1]), port=int(sys.argv[2]), shard=sys.argv[3])"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=30_000)
    parser.add_argument("--shards", type=int, default=3)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)


class Measured(NamedTuple):
    """One way to answer the same requests. winners: rows by request; ecpm: micros, the sum over all slots."""

    cpu_ms: Figure
    wall_ms: Figure
    winners: list[list[int]]
    ecpm: float  # of all slots that were filled


def run(given: argparse.Namespace) -> list[Row]:
    """One engine, then a front with shards."""
    from adcascade.closedloop.unlearned import make_unlearned  # noqa: PLC0415  imports torch

    with tempfile.TemporaryDirectory() as scratch:
        directory, sizes = (
            Path(scratch),
            Sizes(ads=given.ads, campaigns=given.ads // 10, timeout_ms=1000.0, seed=given.seed),
        )
        make_unlearned(directory, sizes)
        asked = requests(sizes, WARM + given.requests, time_us=time.time_ns() // 1000)
        whole = opened(directory, "whole")
        one = uvloop.run(answered(whole, asked))
        whole.close()
        shards = [Shard(directory, number, given.shards) for number in range(1, given.shards + 1)]
        try:
            sharded, shard_ms, words = uvloop.run(fronted(directory, shards, asked))
        finally:
            for shard in shards:
                shard.child.terminate()
                shard.child.wait()
        return rows_of(given, one, sharded, shard_ms, words)


def rows_of(
    given: argparse.Namespace, one: Measured, sharded: Measured, shard_ms: list[float], words: int
) -> list[Row]:
    """The table."""
    same = sum(a == b for a, b in zip(one.winners, sharded.winners, strict=True)) / given.requests
    told: dict[str, Any] = {"peer": "one engine", "peer_value": one.cpu_ms.median, "turned": True, "unit": "ms"}
    front, each = sharded.cpu_ms, figure(shard_ms)
    return [
        Row(name="front, CPU a request", value=front.median, spread=front.spread, **told),
        Row(name="one shard, CPU a request", value=each.median, note=f"{given.ads // given.shards:,} ads each", **told),
        Row(name="front and all shards, CPU a request", value=front.median + sum(shard_ms), **told),
        Row(
            name="latency p50", value=sharded.wall_ms.median, spread=sharded.wall_ms.spread, unit="ms",
            peer="one engine", peer_value=one.wall_ms.median, turned=True,
        ),
        Row(name="question", value=words, unit="bytes", note="to each shard"),
        Row(
            name="requests with the very winners of one engine", value=100 * same, unit="%",
            note="retrieval lets 300 of all ads through, and 300 of each shard's: where it narrows, winners differ",
        ),
        Row(
            name="eCPM of the winners", value=sharded.ecpm / given.requests, unit="micros a request",
            peer="one engine", peer_value=one.ecpm / given.requests,
        ),
    ]  # fmt: skip


def opened(directory: Path, name: str, fan: ShardFan | None = None) -> AdService:
    """A service with a log of its own, whose answers repeat."""
    around = Surroundings(
        new_id=lambda request: request.id, wait=True, owner=name, journal=directory / f"{name}.db", shards=fan
    )
    return open_service(directory, around)


async def answered(service: AdService, asked: list[AdRequest]) -> Measured:
    """One request after the other; the first are not measured."""
    cpu, wall, winners, worth = list[float](), list[float](), list[list[int]](), list[int]()
    for request in asked:
        began, spent = time.perf_counter(), time.thread_time()
        answer = await service.fill(request)
        cpu.append((time.thread_time() - spent) * 1e3)
        wall.append((time.perf_counter() - began) * 1e3)
        winners.append([served.row for served in answer.winners])
        worth.append(sum(served.ecpm_micros for served in answer.winners))
    return Measured(figure(cpu[WARM:]), figure(wall[WARM:]), winners[WARM:], sum(worth[WARM:]))


class Shard:
    """A shard as a child process."""

    def __init__(self, directory: Path, number: int, count: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address: tuple[str, int] = probe.getsockname()
        command = [sys.executable, "-c", CALL, str(directory), str(self.address[1]), f"{number}/{count}"]
        self.child = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def wait(self) -> None:
        """Until it listens."""
        while True:
            try:
                socket.create_connection(self.address, timeout=1).close()
            except OSError:
                if self.child.poll() is not None:
                    raise RuntimeError("a shard did not start") from None
                time.sleep(0.05)
            else:
                return

    def cpu_s(self) -> float:
        """CPU time so far (Linux)."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


async def fronted(directory: Path, shards: list[Shard], asked: list[AdRequest]) -> tuple[Measured, list[float], int]:
    """What the front measured, CPU milliseconds a request of each shard, and bytes of a question."""
    for shard in shards:
        shard.wait()
    fan = ShardFan([shard.address for shard in shards], line_key(signing_key(directory)))
    service = opened(directory, "front", fan)
    async with fan.running():
        before = [shard.cpu_s() for shard in shards]
        measured = await answered(service, asked)
        spent = [(shard.cpu_s() - then) / len(asked) * 1e3 for shard, then in zip(shards, before, strict=True)]
        words = len(encode(question(service.opportunity(asked[-1]), service.bundle_version, 0)))
    service.close()
    return measured, spent, words
