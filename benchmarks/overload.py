"""What an overloaded server still achieves: an open loop at 0.5 to 4 times what it can do.

Capacity is measured first, as the answers a second of a closed loop of eight. Then, at each load, goodput is what is
answered with bids within tmax, by the client's clock. The client is a process of its own on the same machine: one
server process and it have a core each where there are two, and what the client took is told.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from adcascade.bench import Bar, Row
from adcascade.bench.client import client
from adcascade.bench.load import Answered, closed_loop, open_loop, post
from adcascade.bench.process import free_port, server
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.catalog.store import CatalogStore
from adcascade.settings import FILE, load_settings

LOADS = (0.5, 1.0, 2.0, 3.0, 4.0)
GOOD, LATE, GRACE_S = 0.8, 0.01, 0.1  # of the best goodput at twice the capacity; answers after tmax + 100 ms
BIDDING = 200
SERVE = "import sys; from adcascade.cli.serve import *; serve(Path(sys.argv[1]), port=int(sys.argv[2]))"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--imps", type=int, default=40, help="of a request, so that the engine takes milliseconds")
    parser.add_argument("--tmax", type=int, default=120, help="milliseconds")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load")


def run(given: argparse.Namespace) -> list[Row]:
    """Goodput at each load, and the share of answers that came too late."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, port = Path(scratch), free_port()
        install(folder)
        requests = [post("/openrtb2/bid", bid_request(number, given.imps, given.tmax)) for number in range(2_000)]
        with server([sys.executable, "-c", SERVE, str(folder), str(port)], port) as served, client() as ask:
            ask(closed_loop, [port], requests, connections=8, seconds=2.0)  # warms up
            before_s = served.cpu_s
            closed = ask(closed_loop, [port], requests, connections=8, seconds=given.seconds)
            cpu_s = served.cpu_s - before_s
            most = sum(one.status == BIDDING for one in closed.answers) / given.seconds
            if not most:
                raise RuntimeError(
                    f"none of {len(closed.answers)} answers held a bid: there is no capacity to overload"
                )
            shots: dict[float, list[Answered]] = {}
            for load in LOADS:
                time.sleep(2.0)  # the ladder climbs down
                shots[load] = ask(
                    open_loop, [port], requests, rate=load * most, seconds=given.seconds, connections=1_000
                ).answers
    goodput = {load: _goodput(heard, given) for load, heard in shots.items()}
    best = max(goodput.values())
    note = f"the server took {cpu_s / given.seconds:.2f} of a core, the client {closed.cpu_s / given.seconds:.2f}"
    rows = [Row(name="capacity, closed loop of eight", value=most, unit="answers/s", note=note)]
    for load, heard in shots.items():
        rows += _rows(load, heard, (goodput[load], best), given)
    return rows


def _goodput(heard: Sequence[Answered], given: argparse.Namespace) -> float:
    """Answers with bids within tmax, a second."""
    return sum(one.status == BIDDING and one.took_s <= given.tmax / 1e3 for one in heard) / given.seconds


def _rows(load: float, heard: Sequence[Answered], goodput: tuple[float, float], given: argparse.Namespace) -> list[Row]:
    """One load: goodput beside the best of all loads, and what came late."""
    mine, best = goodput
    took = sorted(one.took_s for one in heard)
    declined = sum(one.status not in (0, BIDDING) for one in heard) / len(heard)
    late = sum(one > given.tmax / 1e3 + GRACE_S for one in took) / len(took)
    p50, p99 = took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3
    return [
        Row(
            name=f"goodput at {load:g} times capacity",
            value=mine,
            unit="answers/s",
            peer="the best of all loads",
            peer_value=best,
            bar=Bar(of="ratio", least=GOOD) if load == 2.0 else None,
            note=f"{declined:.0%} declined; p50 {p50:.1f} ms, p99 {p99:.1f} ms",
        ),
        Row(
            name=f"late at {load:g} times capacity",
            value=late * 100,
            unit="%",
            bar=Bar(of="value", most=LATE * 100) if load == 2.0 else None,
        ),
    ]


def bid_request(number: int, imps: int, tmax: int) -> bytes:
    """An OpenRTB request for so many banners."""
    request = {
        "id": f"load-{number}",
        "tmax": tmax,
        "cur": ["USD"],
        "imp": [{"id": str(place), "banner": {"w": 300, "h": 250}} for place in range(1, imps + 1)],
        "site": {"domain": "news.example"},
    }
    return json.dumps(request).encode()


def install(folder: Path, campaigns: int = 40) -> None:
    """A catalog of so many campaigns with money for the day and two ads each."""
    (folder / FILE).write_text("[traffic]\nenabled = false\n")
    banner = Creative(id="b", format="banner", title="b", image_url="https://v.example/b.png", width=300, height=250)
    ads = [
        Ad(id=f"k{n}-{m}", campaign=f"k{n}", title="shoe", url="https://v.example/x", creatives=(banner,))
        for n in range(campaigns)
        for m in range(2)
    ]
    mine = [
        Campaign(id=f"k{n}", advertiser="v", billing="impression", bid_micros=500_000, daily_budget_micros=10**13)
        for n in range(campaigns)
    ]
    with CatalogStore(load_settings(folder).catalog_url) as store:
        store.put([Advertiser(id="v", domain="v.example")], mine, ads)
