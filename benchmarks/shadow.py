"""A bundle that shadows the serving one: what requests notice of it, and what it costs beside them.

Rounds with and without a shadow take turns over one service; every request is answered, then what waits is answered
again. Both parts are timed apart, by the CPU of the thread. The models are unlearned: what they cost is what learned
ones cost.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from adcascade.bench import Bar, Row
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.cascade.shadow import order
from adcascade.closedloop.made_up import SCENARIOS, WHEN_US, Sizes
from adcascade.closedloop.unlearned import make_unlearned, write_unlearned
from adcascade.contracts import AdRequest, Slot

SLOTS = (Slot(id="1"), Slot(id="2"), Slot(id="3"))
WARM_UP = 100  # requests that are not counted
LEAST, MOST = 0.95, 1.15  # the bars: a request's own path beside that without a shadow; all CPU beside that
MB = 1e6


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=250, help="of a round")
    parser.add_argument("--rounds", type=int, default=6, help="with a shadow, and as many without")
    parser.add_argument("--share", type=float, default=0.05, help="of the requests, that are answered again")


class Spent(NamedTuple):
    """Milliseconds of CPU: of each request until it was answered, and of each that was answered again."""

    answered: list[float]
    again: list[float]

    @property
    def total(self) -> float:
        """Of all of it."""
        return sum(self.answered) + sum(self.again)


def run(given: argparse.Namespace) -> list[Row]:
    """Make a shop with two bundles and ask it."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        sizes = Sizes(ads=given.ads, campaigns=max(1, given.ads // 10), timeout_ms=20_000.0)
        serving = make_unlearned(shop, sizes)
        other = write_unlearned(shop, replace(sizes, seed=sizes.seed + 1))
        bundles = Bundles(shop / "bundles")
        bundles.promote(serving.version)
        service = open_service(shop, Surroundings(clock_us=lambda: WHEN_US, wait=True))
        try:
            return _rows(service, bundles, other.version, given)
        finally:
            service.close()


def _rows(service: AdService, bundles: Bundles, version: str, given: argparse.Namespace) -> list[Row]:
    numbers = count()
    _asked(service, numbers, WARM_UP)
    gc.collect()
    before = _resident()
    _follow(service, bundles, version, 1.0)
    gc.collect()
    memory = _resident() - before
    _asked(service, numbers, WARM_UP)
    spent = {True: Spent([], []), False: Spent([], [])}
    for shadowed in (True, False) * given.rounds:
        _follow(service, bundles, version, given.share if shadowed else 0.0)
        _asked(service, numbers, max(1, given.requests // 10))
        one = _asked(service, numbers, given.requests)
        spent[shadowed].answered.extend(one.answered)
        spent[shadowed].again.extend(one.again)
    return [*_compared(spent[True], spent[False]), Row(name="second engine, resident", value=memory, unit="MB")]


def _compared(shadowed: Spent, plain: Spent) -> Iterator[Row]:
    peer = "without a shadow"
    for name, percentile, bar in (("p50", 50, Bar(of="ratio", least=LEAST)), ("p99", 99, None)):
        mine, other = (float(np.percentile(one.answered, percentile)) for one in (shadowed, plain))
        yield Row(name=f"a request, {name}", value=mine, unit="ms", peer=peer, peer_value=other, turned=True, bar=bar)
    if shadowed.again:
        again, once = float(np.median(shadowed.again)), float(np.median(plain.answered))
        yield Row(name="a request again", value=again, unit="ms", peer="answering it", peer_value=once, turned=True)
    yield Row(
        name="all CPU", value=shadowed.total / plain.total, unit="times that without", bar=Bar(of="value", most=MOST)
    )


def _follow(service: AdService, bundles: Bundles, version: str, share: float) -> None:
    """Order it, or end it where the share is 0, and let the service take it up."""
    if share:
        order.start(bundles, version, share, who="bench", time_us=WHEN_US)
    else:
        order.stop(bundles, who="bench", time_us=WHEN_US)
    service.prepare()
    service.upkeep(WHEN_US)


def _asked(service: AdService, numbers: Iterator[int], requests: int) -> Spent:
    spent = Spent([], [])
    for _ in range(requests):
        number = next(numbers)
        request = AdRequest(
            id=f"r{number}", time_us=WHEN_US + number, slots=SLOTS, user=f"u{number % 500}",
            scenario=SCENARIOS[number % len(SCENARIOS)], timeout_us=20_000_000,
        )  # fmt: skip
        began = time.thread_time_ns()
        service.auction(request)
        answered = time.thread_time_ns()
        spent.answered.append((answered - began) / 1e6)
        if service.shadow():
            while service.shadow():
                pass
            spent.again.append((time.thread_time_ns() - answered) / 1e6)
    return spent


def _resident() -> float:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / MB
