"""The event log at a fixed rate of durable events: CPU an event and time to disk, beside a plain file with fdatasync.

One process offers events of about 400 bytes at a fixed rate in bursts of 5 ms: to the journal, and to a plain file with
O_APPEND and one fdatasync per 10 ms. CPU is that of the whole process, less what offering alone costs. Every event has
to be found in the journal afterwards, once.
"""

import argparse
import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

import adcascade.events.journal as journal_module
from adcascade.bench import Bar, Row
from adcascade.bench.rounds import figure
from adcascade.events.commit import commit
from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.events.records import Click
from adcascade.money.bank import Bank, Budget
from adcascade.money.charge import Charge
from adcascade.money.ledger import Ledger

BURST_S = 0.005
PADDING = "x" * 330  # an event of about 400 bytes
FIFTH_US = 200_000  # of a core's second
BARRED = ("post", "accept_many")  # what a server does: auctions are posted, the events of a call accepted together
PLAIN = "O_APPEND + fdatasync"


class Ran(NamedTuple):
    """One run at a fixed rate."""

    events: int
    cpu_s: float
    commits_ms: list[float]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--seconds", type=float, default=3, help="of each run at the fixed rate")
    parser.add_argument("--rate", type=int, default=20_000, help="events a second that are offered")
    parser.add_argument("--rounds", type=int, default=3)


def run(given: argparse.Namespace) -> list[Row]:
    """CPU and time to disk of the ways to hand events over, then the most that goes through, and the bank."""
    ways = {"post": posted, "accept_many": accepted, "submit": submitted}
    ran: dict[str, list[Ran]] = {name: [] for name in (*ways, PLAIN)}
    idle_us: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(given.rounds):
            folder = Path(name) / str(number)
            folder.mkdir()
            count, cpu_s = offer(lambda _: None, given.rate, given.seconds / 2)
            idle_us.append(cpu_s / count * 1e6)
            for way, take in ways.items():
                ran[way].append(through_journal(folder / f"{way}.db", given.rate, given.seconds, take))
            ran[PLAIN].append(through_file(folder / "plain.log", given.rate, given.seconds))
        rows = [row for way in ways for row in _rows(way, ran, float(np.median(idle_us)), given.rate)]
        return rows + most(Path(name))


def _rows(way: str, ran: dict[str, list[Ran]], idle_us: float, rate: int) -> list[Row]:
    """CPU an event, and the 99th percentile of the commits, of one way."""
    cpu = {name: figure([run.cpu_s / run.events * 1e6 - idle_us for run in ran[name]]) for name in (way, PLAIN)}
    p99 = {name: figure([float(np.percentile(run.commits_ms, 99)) for run in ran[name]]) for name in (way, PLAIN)}
    p50 = float(np.median([np.median(run.commits_ms) for run in ran[way]]))
    at = f"{rate:,} events a second"
    asked = {
        "CPU": (cpu, "us/event", Bar(of="value", most=FIFTH_US / rate), at),
        "commit p99": (p99, "ms", Bar(of="ratio", most=12), f"{at}; p50 {p50:.2f} ms"),
    }
    return [
        Row(
            name=f"journal, {way}: {what}",
            value=found[way].median,
            spread=found[way].spread,
            unit=unit,
            peer=PLAIN,
            peer_value=found[PLAIN].median,
            turned=what == "CPU",
            bar=bar if way in BARRED else None,
            note=note,
        )
        for what, (found, unit, bar, note) in asked.items()
    ]


def offer(take: Callable[[list[Click]], object], rate: int, seconds: float) -> tuple[int, float]:
    """Hand over events at the rate in bursts of 5 ms; how many, and the CPU seconds all threads used."""
    cpu, start, number = time.process_time(), time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        due = int(rate * elapsed)
        take([Click(id=f"event-{start}-{n}", time_us=n, bid_id=PADDING) for n in range(number, due)])
        number = due
        time.sleep(BURST_S)
    return number, time.process_time() - cpu


def posted(journal: Journal, events: Sequence[Click]) -> None:
    """Nobody waits: auctions on the request path."""
    for event in events:
        journal.post(event)


def submitted(journal: Journal, events: Sequence[Click]) -> "list[Future[Receipt]]":
    """A future of its own for every event."""
    return [journal.submit(event) for event in events]


def accepted(journal: Journal, events: Sequence[Click]) -> "Future[list[Receipt]]":
    """One answer for the events of a burst, as a call with several events gets it."""
    return journal.submit_many(events)


def through_journal(path: Path, rate: int, seconds: float, take: Callable[[Journal, list[Click]], object]) -> Ran:
    """A run through the journal; RuntimeError where it does not hold every event once."""
    commits: list[float] = []

    def timed(*arguments: object) -> list[object]:
        start = time.perf_counter()
        answers = commit(*arguments)  # type: ignore[arg-type]
        commits.append((time.perf_counter() - start) * 1e3)
        return answers

    with Journal(path) as journal:
        vars(journal_module)["commit"] = timed  # the clock is put around its commit
        try:
            number, cpu_s = offer(lambda events: take(journal, events), rate, seconds)
            start = time.process_time()
            journal.flush()
            cpu_s += time.process_time() - start
        finally:
            vars(journal_module)["commit"] = commit
        (held,) = journal.query("SELECT count(DISTINCT id) FROM records")[0]
    if held != number:
        raise RuntimeError(f"{number} events were offered and {held} are in the journal")
    return Ran(number, cpu_s, commits)


def through_file(path: Path, rate: int, seconds: float) -> Ran:
    """The same with O_APPEND + fdatasync each 10 ms by a second thread."""
    encode = msgspec.msgpack.Encoder().encode
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    buffer: list[bytes] = []
    commits: list[float] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.01):
            count = len(buffer)
            if count:
                start = time.perf_counter()
                os.write(handle, b"".join(buffer[:count]))
                os.fdatasync(handle)
                commits.append((time.perf_counter() - start) * 1e3)
                del buffer[:count]

    thread = threading.Thread(target=write)
    thread.start()
    number, cpu_s = offer(lambda events: buffer.extend(encode(event) for event in events), rate, seconds)
    stop.set()
    thread.join()
    os.close(handle)
    return Ran(number, cpu_s, commits)


def most(folder: Path) -> list[Row]:
    """How many events a second, as fast as they can be written, charged and reserved."""
    events = [Click(id=f"most-{n}", time_us=n, bid_id=PADDING) for n in range(60_000)]
    charged = [Click(id=f"charged-{n}", time_us=n, bid_id=PADDING) for n in range(30_000)]
    awaited = [Click(id=f"awaited-{n}", time_us=n, bid_id=PADDING) for n in range(20_000)]
    rows = []
    with Journal(folder / "most.db") as journal:
        ledger = Ledger(journal)
        for name, batch in (("1,000 a commit", events), ("1,000 a commit, each with a charge", charged)):
            charges = [Charge(event.id, "c", 0, 5, 2**60) if batch is charged else None for event in batch]
            start = time.perf_counter()
            for place in range(0, len(batch), 1000):
                journal.append(batch[place : place + 1000], charges[place : place + 1000])
            rows.append(rate_row(f"journal, {name}", len(batch), time.perf_counter() - start))
        start = time.perf_counter()
        asyncio.run(each_awaited(journal, awaited))
        rows.append(rate_row("journal, a coroutine waits for each", len(awaited), time.perf_counter() - start))
        bank = Bank(ledger, {"b": Budget(10**15, None)}, 0)
        bank.reserve("b", "first", 100, 0, wait=True)
        names = [f"bid{n}" for n in range(200_000)]
        start = time.perf_counter()
        taken = sum(bank.reserve("b", name, 100, 0) is not None for name in names)
        rows.append(rate_row("bank, reserve", taken, time.perf_counter() - start))
        start = time.perf_counter()
        for name in names:
            bank.settle(name)
        rows.append(rate_row("bank, settle", len(names), time.perf_counter() - start))
    return rows


async def each_awaited(journal: Journal, events: Sequence[Click]) -> None:
    """A thousand coroutines at a time, as requests of a server are."""
    for start in range(0, len(events), 1000):
        await asyncio.gather(*(journal.accept(event) for event in events[start : start + 1000]))


def rate_row(name: str, count: int, seconds: float) -> Row:
    """A figure that informs."""
    return Row(name=name, value=count / seconds, unit="/s", note="as fast as it goes")
