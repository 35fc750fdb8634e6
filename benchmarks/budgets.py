"""Promises of budget: reservations a second through leases in process, beside Redis with "reserve if below the budget".

Leases are granted by the ledger, durably, over a real journal, and renewed as they are used up. Redis runs as a server
of its own that is thrown away, and is asked by 32 coroutines through a Lua script: once keeping every promise on disk
before it answers, as a lease does, and once keeping nothing. Both by the clock on the wall. Then four workers are
killed at random over one store, and a judge recounts what was overspent.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter

import msgspec
import redis.asyncio

from adcascade.bench.rounds import alternate, figure, rates
from adcascade.bench.row import Bar, Row
from adcascade.chaos.servers import RedisServer
from adcascade.errors import InternalError
from adcascade.events.journal import Journal
from adcascade.money.bank import Bank, Budget
from adcascade.money.ledger import Ledger

CAMPAIGNS, PRICE = 100, 100
ASKERS = 32  # coroutines
SCRIPT = """
local left = tonumber(redis.call('GET', KEYS[1]))
if left < tonumber(ARGV[1]) then return 0 end
redis.call('DECRBY', KEYS[1], ARGV[1])
return 1
"""
REDIS: dict[str, Sequence[str]] = {
    "Redis, Lua, every promise on disk": (),
    "Redis, Lua, nothing on disk": ("--appendonly", "no"),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--promises", type=int, default=20_000, help="of our bank, a round")
    parser.add_argument("--asked", type=int, default=3_200, help="of Redis, a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=60_000, help="of the trial by chaos")
    parser.add_argument("--workers", type=int, default=4, help="of the trial by chaos")
    parser.add_argument("--store", choices=("sqlite", "postgresql", "redis"), default="sqlite", help="of that trial")


def run(given: argparse.Namespace) -> list[Row]:
    """Speed, then correctness."""
    return [*speed(given), *overspend(given)]


def speed(given: argparse.Namespace) -> list[Row]:
    """Promises a second: ours, and those of both servers, in turns."""
    with ExitStack() as stack:
        promise, settle = stack.enter_context(bank(given))
        loop = stack.enter_context(asyncio.Runner())
        calls: dict[str, Callable[[], object]] = {"ours": promise, "settle": settle}
        for name, options in REDIS.items():
            url = stack.enter_context(RedisServer(options)).url
            loop.run(prepare(url))
            calls[name] = lambda url=url: loop.run(asked(url, given.asked))  # type: ignore[misc]
        spent = alternate(calls, rounds=given.rounds, clock=perf_counter)
    ours = figure(rates(spent["ours"], given.promises))
    rows = [
        Row(
            name=f"promises through leases, beside {name}",
            value=ours.median,
            spread=ours.spread,
            unit="promises/s",
            peer=name,
            peer_value=figure(rates(spent[name], given.asked)).median,
            bar=Bar(of="ratio", least=100),
        )
        for name in REDIS
    ]
    settled = figure([1e6 * second / given.promises for second in spent["settle"]])
    return [*rows, Row(name="settling a promise", value=settled.median, spread=settled.spread, unit="us")]


@contextmanager
def bank(given: argparse.Namespace) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """A round of promises by a bank over a durable ledger, and the round that settles them."""
    budget = Budget(20 * PRICE * given.promises * (given.rounds + 1) // CAMPAIGNS, None)
    campaigns = [f"c{number}" for number in range(CAMPAIGNS)]
    turn = [campaigns[number % CAMPAIGNS] for number in range(given.promises)]
    bids = [f"b{number}" for number in range(given.promises)]
    with tempfile.TemporaryDirectory() as name, Journal(Path(name) / "journal.db") as journal:
        till = Bank(Ledger(journal), dict.fromkeys(campaigns, budget), 0)

        def promise() -> None:
            for campaign, bid in zip(turn, bids, strict=True):
                if till.reserve(campaign, bid, PRICE, 1, wait=True) is None:
                    raise InternalError(f"campaign {campaign} has money, and was refused")

        def settle() -> None:
            for bid in bids:
                till.settle(bid)

        yield promise, settle
        till.close()


async def prepare(url: str) -> None:
    """Put the budgets in force."""
    async with redis.asyncio.Redis.from_url(url) as client:
        await client.mset({f"c{number}": 10**12 for number in range(CAMPAIGNS)})


async def asked(url: str, promises: int) -> None:
    """So many promises by 32 coroutines, each over a connection of its own."""
    async with asyncio.TaskGroup() as group:
        for _ in range(ASKERS):
            group.create_task(asking(url, promises // ASKERS))


async def asking(url: str, promises: int) -> None:
    """One coroutine's share."""
    async with redis.asyncio.Redis.from_url(url, single_connection_client=True) as client:
        script = await client.script_load(SCRIPT)
        for number in range(promises):
            if not await client.evalsha(script, 1, f"c{number % CAMPAIGNS}", PRICE):
                raise InternalError("Redis has money, and refused")


def overspend(given: argparse.Namespace) -> list[Row]:
    """What workers that are killed at random overspend, as a judge recounts it."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "figures.json"
        numbers = ("--events", str(given.events), "--processes", str(given.workers), "--kill-every-s", "0.3")
        command = [sys.executable, "-m", "adcascade.chaos", *numbers, "--store", given.store, "--json", str(file)]
        subprocess.run(command, check=True, capture_output=True)
        figures = msgspec.json.decode(file.read_bytes())
    return [
        Row(
            name=f"overspend of {given.workers} workers, killed at random",
            value=figures["overspend_micros"],
            unit="micros",
            bar=Bar(of="value", most=0),
            note=f"{figures['accepted']:,} charges, store {given.store}",
        ),
        Row(name="workers killed meanwhile", value=figures["kills"], unit="kills", bar=Bar(of="value", least=1)),
    ]
