"""What a request costs as ads, features, users and requests grow: the curves behind docs/scale.md.

Every point is a process of its own over an unlearned installation (adcascade.closedloop.unlearned): what serving costs
hangs on sizes, not on what models know. `python -m adcascade.bench.scale_page` writes the curves and the plan into
docs/scale.md from what `--json docs/performance/scale.json` wrote. A million ads: --ads 10000 100000 1000000.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from dataclasses import asdict, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec

from adcascade.bench.rounds import figure
from adcascade.bench.row import Row
from adcascade.cascade.frequency import Shown, View
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.profiles import Profiles
from adcascade.closedloop.made_up import WHEN_US, Sizes, requests, stock
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord

TICKS = os.sysconf("SC_CLK_TCK")
USERS, CLICKS, CAPPED_VIEWS = 5_000, 20, 10
RECORDS = 2_000
TRAINED = 20_000
SERVE = "import sys; from adcascade.cli.serve import *; serve(Path(sys.argv[1]), port=int(sys.argv[2]))"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, nargs="+", default=[10_000, 100_000], help="catalogs")
    parser.add_argument("--extra", type=int, nargs="+", default=[30, 80], help="features beside the usual 16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--requests", type=int, default=300, help="measured at each point")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], help="connections to one server process")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load for each number of clients")


def run(given: argparse.Namespace) -> list[Row]:
    """All curves."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rows = by_ads(folder, given) + by_fields(folder, given)
        first = folder / f"ads-{given.ads[0]}"
        return rows + by_users() + by_requests(first, given) + of_logs(first) + of_training()


def by_ads(folder: Path, given: argparse.Namespace) -> list[Row]:
    """One bundle over catalogs of these sizes."""
    rows = []
    from adcascade.closedloop.unlearned import make_unlearned  # noqa: PLC0415  torch stays out of points

    base = Sizes(ads=given.ads[0], campaigns=max(given.ads[0] // 10, 1), seed=given.seed)
    make_unlearned(folder / f"ads-{given.ads[0]}", base)
    for ads in given.ads:
        place = folder / f"ads-{ads}"
        sizes = replace(base, ads=ads, campaigns=max(ads // 10, 1))
        if not place.exists():
            shutil.copytree(
                folder / f"ads-{given.ads[0]}", place, ignore=shutil.ignore_patterns("catalog.db*", "journal.db*")
            )
            stock(place, sizes)
        told = apart(place, sizes, given.requests)
        slowest = ", ".join(f"{name} {us:.0f}" for name, us in told["stages"])
        rows += [
            Row(
                name=f"ads {ads:,}: CPU a request", value=told["ms"], unit="ms", spread=told["spread"],
                note=f"p99 {told['p99']:.2f} ms; microseconds by stage: {slowest}",
            ),
            Row(name=f"ads {ads:,}: start", value=told["start"], unit="s of CPU"),
            Row(name=f"ads {ads:,}: resident memory", value=told["mib"], unit="MiB"),
        ]  # fmt: skip
    return rows


def by_fields(folder: Path, given: argparse.Namespace) -> list[Row]:
    """Bundles with more features over the smallest catalog."""
    from adcascade.closedloop.unlearned import make_unlearned  # noqa: PLC0415  torch stays out of points

    rows = []
    for extra in given.extra:
        sizes = Sizes(ads=given.ads[0], campaigns=max(given.ads[0] // 10, 1), extra=extra, seed=given.seed)
        make_unlearned(folder / f"extra-{extra}", sizes)
        told = apart(folder / f"extra-{extra}", sizes, given.requests)
        name = f"fields {16 + extra}: CPU a request"
        rows.append(
            Row(name=name, value=told["ms"], unit="ms", spread=told["spread"], note=f"p99 {told['p99']:.2f} ms")
        )
    return rows


def apart(directory: Path, sizes: Sizes, count: int) -> dict[str, Any]:
    """What `served` says in a new process: its memory and its start are its own."""
    order = json.dumps([str(directory), asdict(sizes), count])
    done = subprocess.run([sys.executable, __file__, order], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def served(directory: Path, sizes: Sizes, count: int) -> dict[str, Any]:
    """Open the installation and decide requests, in this process."""
    began = time.process_time()
    service = open_service(directory)
    start = time.process_time() - began
    asked = requests(sizes, count + 100, time_us=time.time_ns() // 1000)
    for request in asked[:100]:
        service.decide(request)
    spent, stages = [], dict[str, list[int]]()
    for request in asked[100:]:
        before = time.thread_time()
        _, outcome = service.decide(request)
        spent.append((time.thread_time() - before) * 1e3)
        for step in outcome.steps:
            stages.setdefault(step.name, []).append(step.elapsed_ns // 1000)
    service.close()
    slow = sorted(((name, statistics.median(us)) for name, us in stages.items()), key=lambda item: -item[1])[:3]
    ms, spread = figure(spent)
    return {
        "ms": ms, "spread": spread, "p99": sorted(spent)[len(spent) * 99 // 100], "start": start, "stages": slow,
        "mib": int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20,
    }  # fmt: skip


def by_users() -> list[Row]:
    """What a remembered user takes: the last clicks, and views of campaigns with caps."""
    tracemalloc.start()
    profiles = Profiles(users=USERS, length=CLICKS)
    for user in range(USERS):
        for click in range(CLICKS):
            profiles.clicked(f"user-{user}", f"a{click}", f"d{click}/s1")
    clicked = tracemalloc.get_traced_memory()[0] / USERS
    views = [View(n, Shown("v1", "k1", "", "a1", "c1")) for n in range(USERS * CAPPED_VIEWS)]
    seen = tracemalloc.get_traced_memory()[0] / USERS - clicked
    tracemalloc.stop()
    return [
        Row(name=f"a user with {CLICKS} clicks", value=clicked, unit="bytes"),
        Row(
            name=f"a user with {CAPPED_VIEWS} views under caps, beside",
            value=seen,
            unit="bytes",
            note=f"{len(views):,} views",
        ),
    ]


def by_requests(directory: Path, given: argparse.Namespace) -> list[Row]:
    """One server process over HTTP, by the number of connections that wait for it."""
    port = 18_000 + os.getpid() % 2_000
    server = subprocess.Popen([sys.executable, "-c", SERVE, directory, str(port)], stderr=subprocess.DEVNULL)
    rows = []
    try:
        _wait_for(port)
        for clients in given.clients:
            took, declined = list[float](), list[float]()
            before, start = _cpu_s(server.pid), time.monotonic()
            told = (port, start + given.seconds, took, declined)
            load = [threading.Thread(target=_ask, args=told) for _ in range(clients)]
            for one in load:
                one.start()
            for one in load:
                one.join()
            spent, wall = _cpu_s(server.pid) - before, time.monotonic() - start
            ordered = sorted(took) or [float("nan")]  # a machine that is too busy declines all
            p50, p99 = (ordered[len(ordered) * part // 100] * 1e3 for part in (50, 99))
            note = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms by the client; {len(declined)} declined"
            cpu = spent / (len(took) + len(declined)) * 1e3
            rows += [
                Row(name=f"clients {clients}: requests filled", value=len(took) / wall, unit="1/s", note=note),
                Row(name=f"clients {clients}: server CPU a request", value=cpu, unit="ms"),
            ]
    finally:
        server.terminate()
        server.wait()
    return rows


def _wait_for(port: int) -> None:
    for _ in range(1200):
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError("the server did not start")


def _ask(port: int, until: float, took: list[float], declined: list[float]) -> None:
    """One client, which asks again as soon as it is answered; seconds of answers with ads, and without."""
    connection, number = HTTPConnection("127.0.0.1", port, timeout=20), 0
    body = [
        json.dumps({"auctions": [{"type": "listings", "slots": 2, "category": {"id": f"d{n}/s{n}"}}]})
        for n in range(12)
    ]
    while (start := time.monotonic()) < until:
        connection.request("POST", "/v2/auctions", body[number % 12], {"content-type": "application/json"})
        filled = b'"winners":[{' in connection.getresponse().read()
        (took if filled else declined).append(time.monotonic() - start)
        number += 1
    connection.close()


def _cpu_s(pid: int) -> float:
    """CPU time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def of_logs(directory: Path) -> list[Row]:
    """What the record of a request takes in the event log, and how fast records become durable."""
    sizes = Sizes(ads=1_000)
    service = open_service(directory, Surroundings(clock_us=lambda: WHEN_US, wait=True, journal=directory / "a.db"))
    for request in requests(sizes, 200):
        service.decide(request)
    service.parts.journal.flush()
    read = service.parts.journal.read(kinds=("auction",))
    records = [record for _, record in read if isinstance(record, AuctionRecord)]
    service.close()
    with Journal(directory / "b.db") as journal:
        before, start = time.process_time(), time.monotonic()
        for number in range(RECORDS):
            journal.post(_renamed(records[number % len(records)], number))
        journal.flush()
        cpu, wall = time.process_time() - before, time.monotonic() - start
    size = (directory / "b.db").stat().st_size
    return [
        Row(
            name="log of a request", value=size / RECORDS, unit="bytes", note="100 ranked candidates with their scores"
        ),
        Row(
            name="log, durable",
            value=RECORDS / wall,
            unit="records/s",
            note=f"{cpu / RECORDS * 1e6:.0f} us of CPU each",
        ),
    ]


def _renamed(record: AuctionRecord, number: int) -> AuctionRecord:
    return msgspec.structs.replace(record, id=f"{record.id}-{number}")


def of_training() -> list[Row]:
    """Rows a second that one core trains the ranker on, encoding included."""
    from adcascade.closedloop.unlearned import training_rate  # noqa: PLC0415  imports torch

    return [
        Row(name="training, one core", value=training_rate(Sizes(ads=5_000), TRAINED), unit="rows/s", note="dcn_v2")
    ]


def _point(order: str) -> None:
    """One point, asked for by `apart`."""
    directory, sizes, count = json.loads(order)
    print(json.dumps(served(Path(directory), Sizes(**sizes), count)))


if __name__ == "__main__":
    _point(sys.argv[1])
