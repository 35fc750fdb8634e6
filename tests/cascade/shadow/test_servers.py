"""Real server processes follow an order within seconds, all workers of them, and go on where the shadow cannot."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.cascade.shadow.conftest import Copied
from tests.server.process import Process
from tests.server.test_workers import free_ports

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.shadow.order import order_of, start, stop
from adcascade.cascade.shadow.store import ShadowStore
from adcascade.settings import FILE

WORKERS = 2
WITHIN_S = 20.0  # of a busy machine; on one at rest it takes a second or two
CALL = (
    "import sys; from adcascade.cli.serve import *\n"
    f"if __name__ == '__main__': serve(Path(sys.argv[1]), port=int(sys.argv[2]), workers={WORKERS})"
)


class Workers:
    """A server of two workers, of which each can be asked alone."""

    def __init__(self, folder: Path) -> None:
        self.first = free_ports(WORKERS)
        with (folder / FILE).open("a") as settings:
            settings.write(f"[server]\nworker_ports = {self.first}\n")
        script = folder.with_name("serve.py")
        script.write_text(CALL)
        self.process = Process(folder, (str(script), "{folder}", "{port}"))
        self.process.start()
        self.until(lambda one: one["bundle"] == "none")

    def shadows(self) -> list[dict[str, Any]]:
        """What each tells of its shadow, after a request to each."""
        told, common = [], self.process.port
        try:
            for port in range(self.first, self.first + WORKERS):
                self.process.port = port
                body = {"auctions": [{"type": "listings", "slots": 2}]}
                status, answer = self.process.ask("POST", "/v2/auctions", body)
                assert (status, len(answer["results"][0]["winners"])) == (200, 2)
                told.append(self.process.ask("GET", "/status.json")[1]["shadow"])
        finally:
            self.process.port = common
        return told

    def until(self, right: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """What they tell once it is right of both."""
        deadline, told = time.monotonic() + WITHIN_S, list[dict[str, Any]]()
        while not told or not all(map(right, told)):
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
            with suppress(ConnectionError):  # one of them has not begun yet
                told = self.shadows()
        return told


@pytest.fixture
def workers(copied: Copied) -> Iterator[Workers]:
    """Over a shop with two bundles."""
    found = Workers(copied("served"))
    yield found
    found.process.kill(signal.SIGTERM)


def test_all_workers_follow_an_order_and_keep_what_they_find(workers: Workers) -> None:
    """They begin, answer again, write into one store, end; a bundle damaged meanwhile ends for both, named once."""
    folder = workers.process.folder
    bundles = Bundles(folder / "bundles")
    other = bundles.versions()[1]
    start(bundles, other, 1.0, who="ann", time_us=1)
    told = workers.until(lambda one: one["bundle"] == other and one["shadowed"] >= 2)
    stop(bundles, who="ann", time_us=2)
    ended = workers.until(lambda one: one["bundle"] == "none")
    assert {one["failed"] for one in (*told, *ended)} == {0}
    store = ShadowStore(folder / "shadow.db")
    answered = sum(one["shadowed"] for one in ended)
    workers.until(lambda _: store.counts(other).shadowed == answered)  # what was found is kept once a second
    assert len(store.read(other)) == answered
    start(bundles, other, 1.0, who="ann", time_us=3)
    model = next((bundles.path(other) / "ranking").iterdir())
    model.chmod(0o644)
    model.write_bytes(b"?")
    assert "was changed" in workers.until(lambda one: "trouble" in one)[0]["trouble"]
    order = order_of(bundles.folder)
    assert order is not None
    assert "was changed" in order.trouble
