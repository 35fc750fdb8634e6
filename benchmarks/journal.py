"""The journal beside the floor of its disk, and the bank: run `python benchmarks/journal.py [--seconds 5]`.

One process offers events of the same bytes at a fixed rate, first to the journal, then to a plain file with
O_APPEND and one fdatasync per 10 ms. Quote the ratios; seconds depend on the disk. CPU is that of the whole process,
less what offering alone costs.
"""

import argparse
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

import adcascade.events.journal as journal_module
from adcascade.events.commit import commit
from adcascade.events.journal import Journal
from adcascade.events.records import Click
from adcascade.money.bank import Bank, Budget
from adcascade.money.charge import Charge
from adcascade.money.ledger import Ledger

BURST_S = 0.005
PADDING = "x" * 330  # an event of about 400 bytes


def offer(take: Callable[[list[Click]], None], rate: int, seconds: float) -> tuple[int, float]:
    """Hand over events at the rate in bursts of 5 ms; how many, and the CPU seconds all threads used."""
    cpu, start, number = time.process_time(), time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        due = int(rate * elapsed)
        take([Click(id=f"event-{start}-{n}", time_us=n, bid_id=PADDING) for n in range(number, due)])
        number = due
        time.sleep(BURST_S)
    return number, time.process_time() - cpu


def through_journal(folder: Path, rate: int, seconds: float, *, waiting: bool) -> tuple[int, float, list[float]]:
    """Events, CPU seconds and the time of every commit; `waiting`: a future for each event."""
    commits: list[float] = []

    def timed(*arguments: object) -> list[object]:
        start = time.perf_counter()
        answers = commit(*arguments)  # type: ignore[arg-type]
        commits.append(time.perf_counter() - start)
        return answers

    with Journal(folder / f"{rate}-{waiting}.db") as journal:
        vars(journal_module)["commit"] = timed  # the clock is put around its commit

        def take(events: list[Click]) -> None:
            for event in events:
                journal.submit(event) if waiting else journal.post(event)

        number, cpu = offer(take, rate, seconds)
        start = time.process_time()
        journal.flush()
        vars(journal_module)["commit"] = commit
        return number, cpu + time.process_time() - start, commits


def through_file(folder: Path, rate: int, seconds: float) -> tuple[int, float, list[float]]:
    """The same with O_APPEND + fdatasync each 10 ms by a second thread."""
    encode = msgspec.msgpack.Encoder().encode
    handle = os.open(folder / f"{rate}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
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
                commits.append(time.perf_counter() - start)
                del buffer[:count]

    thread = threading.Thread(target=write)
    thread.start()
    number, cpu = offer(lambda events: buffer.extend(encode(event) for event in events), rate, seconds)
    stop.set()
    thread.join()
    os.close(handle)
    return number, cpu, commits


def show(name: str, run: tuple[int, float, list[float]], idle: float) -> None:
    """One row: commits in milliseconds, CPU in microseconds an event."""
    number, cpu, commits = run
    p50, p99 = np.percentile(np.array(commits) * 1000, [50, 99])
    print(f"| {name} | {number} | {(cpu - idle * number) / number * 1e6:.1f} | {p50:.2f} / {p99:.2f} |")


def most(folder: Path) -> None:
    """How many events a second, as fast as they can be written, with and without charges."""
    events = [Click(id=f"most-{n}", time_us=n, bid_id=PADDING) for n in range(100_000)]
    charged = [Click(id=f"charged-{n}", time_us=n, bid_id=PADDING) for n in range(50_000)]
    with Journal(folder / "most.db") as journal:
        ledger = Ledger(journal)
        for name, batch in (("append, 1,000 a commit", events), ("the same, each with a charge", charged)):
            charges = [Charge(event.id, "c", 0, 5, 2**60) if batch is charged else None for event in batch]
            start = time.perf_counter()
            for place in range(0, len(batch), 1000):
                journal.append(batch[place : place + 1000], charges[place : place + 1000])
            print(f"| {name} | {len(batch) / (time.perf_counter() - start):,.0f} events/s |")
        bank = Bank(ledger, {"b": Budget(10**15, None)}, 0)
        bank.reserve("b", "first", 100, 0, wait=True)
        names = [f"bid{n}" for n in range(200_000)]
        start = time.perf_counter()
        taken = sum(bank.reserve("b", name, 100, 0) is not None for name in names)
        seconds = time.perf_counter() - start
        print(f"| reserve ({taken} of {len(names)}) | {len(names) / seconds:,.0f} /s |")
        start = time.perf_counter()
        for name in names:
            bank.settle(name)
        print(f"| settle | {len(names) / (time.perf_counter() - start):,.0f} /s |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=int, default=20_000)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}\n")
    with tempfile.TemporaryDirectory() as name:
        folder, rate, seconds = Path(name), arguments.rate, arguments.seconds
        number, cpu = offer(lambda _: None, rate, seconds / 2)
        idle = cpu / number
        print("| at a fixed rate | events | CPU us/event | commit ms p50 / p99 |\n| --- | --- | --- | --- |")
        show("journal, post", through_journal(folder, rate, seconds, waiting=False), idle)
        show("journal, submit (a future each)", through_journal(folder, rate, seconds, waiting=True), idle)
        show("O_APPEND + fdatasync", through_file(folder, rate, seconds), idle)
        print("\n| as fast as it goes | |\n| --- | --- |")
        most(folder)


if __name__ == "__main__":
    main()
