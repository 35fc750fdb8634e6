"""A real server with an untrained cascade, and a stream of visitors: what browser tests and pictures look at."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.server.process import SERVE, Process

from adcascade.access.keys import Role
from adcascade.access.store import KeyStore
from adcascade.closedloop.made_up import Sizes
from adcascade.closedloop.unlearned import make_unlearned
from adcascade.events.journal import Journal
from adcascade.experiments.experiment import Experiment, Variant
from adcascade.experiments.store import ExperimentStore
from adcascade.settings import load_settings

SIZES = Sizes(ads=300, campaigns=30, retrieve=100, prerank=30, daily_budget_micros=200_000_000)
SLOTS = 3
CLICKED, BOUGHT = 9, 27  # one of so many ads that are seen
BETWEEN_S = 0.05
SPLIT = "plan"  # name of the experiment that may run


def installed(folder: Path) -> Process:
    """A server, started, over a new installation."""
    make_unlearned(folder, SIZES)
    process = Process(folder, SERVE)
    process.start()
    return process


def key_of(folder: Path, role: Role, advertisers: tuple[str, ...] = ()) -> str:
    """The text of a new key."""
    with KeyStore(load_settings(folder).catalog_url) as store:
        now_us = time.time_ns() // 1000
        return store.create(f"Ann {role}", role, now_us=now_us, by="test", advertisers=advertisers)[1]


def split(folder: Path) -> None:
    """Start an experiment: every other request at first price."""
    variants = (Variant(name="control"), Variant(name="first-price", changes={"auction.rule": "first_price"}))
    now_us = time.time_ns() // 1000
    with Journal(load_settings(folder).journal_path) as journal:
        store = ExperimentStore(journal)
        store.create(Experiment(name=SPLIT, variants=variants, unit="request"), (0.5, 0.5), now_us)
        store.set_status(SPLIT, "running", now_us)


@contextmanager
def visited(process: Process) -> Iterator[Process]:
    """A started server with visitors, which is killed at the end."""
    visitors = Visitors(process)
    visitors.start()
    try:
        yield process
    finally:
        visitors.stop.set()
        visitors.join()
        process.kill()


class Visitors(threading.Thread):
    """Ask for ads, see them, click and buy now and then, until `stop` is set."""

    def __init__(self, process: Process, between_s: float = BETWEEN_S) -> None:
        super().__init__(daemon=True)
        self._process, self._between_s = process, between_s
        self._numbers = itertools.count(1)
        self.stop = threading.Event()

    def run(self) -> None:
        """Ask, look, click."""
        while not self.stop.wait(self._between_s):
            body = {"auctions": [{"type": "listings", "slots": SLOTS}]}
            for winner in self._process.ask("POST", "/v2/auctions", body)[1]["results"][0]["winners"]:
                self._see(winner)

    def _see(self, winner: dict[str, Any]) -> None:
        number, at = next(self._numbers), datetime.now(UTC).isoformat()
        seen = {"id": f"i{number}", "occurredAt": at, "resolvedBidId": winner["resolvedBidId"]}
        told: dict[str, Any] = {"impressions": [seen]}
        if number % CLICKED == 0:
            told["clicks"] = [seen | {"id": f"c{number}"}]
        if number % BOUGHT == 0:
            item = {"productId": "p", "quantity": 1, "resolvedBidId": winner["resolvedBidId"]}
            told["purchases"] = [{"id": f"b{number}", "occurredAt": at, "items": [item]}]
        status, receipts = self._process.ask("POST", "/v2/events", told)
        assert status == 200, receipts
