"""A running server changes its models between two requests: under load nothing is dropped, refused or late."""

import threading
import time
from http.client import HTTPConnection
from pathlib import Path

from tests.server.process import SERVE, Process, speak

from adcascade.cascade.bundle import Bundles
from adcascade.settings import load_settings

AUCTION = {"auctions": [{"type": "listings", "slots": 2, "scenario": "home"}]}


class Visitor(threading.Thread):
    """Asks for ads again and again, and keeps the status of every answer."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.statuses: list[int] = []
        self.stop = threading.Event()
        self.broken = ""

    def run(self) -> None:
        """Until told to stop; a broken connection is noted."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            while not self.stop.is_set():
                status, _ = speak(connection, "POST", "/v2/auctions", AUCTION)
                self.statuses.append(status)
        except OSError as error:
            self.broken = repr(error)
        finally:
            connection.close()


def serving(port: int) -> str:
    """The bundle that answers now."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        _, told = speak(connection, "GET", "/ready", None)
        return str(told["bundle"])
    finally:
        connection.close()


def wait_for(port: int, version: str) -> None:
    """Until the server answers with this bundle."""
    until = time.monotonic() + 60
    while serving(port) != version:
        assert time.monotonic() < until, f"{version} never served"
        time.sleep(0.1)


def test_a_swap_and_a_rollback_under_load_drop_nothing(shop: Path) -> None:
    """Visitors keep asking while bundles are promoted and rolled back by command; every answer is a 200."""
    bundles = Bundles(load_settings(shop).bundles_path)
    old, new = bundles.versions()
    server = Process(shop, SERVE)
    server.start()
    visitors = [Visitor(server.port) for _ in range(2)]
    try:
        wait_for(server.port, new)
        for visitor in visitors:
            visitor.start()
        assert bundles.rollback() == old
        wait_for(server.port, old)
        bundles.promote(new)
        wait_for(server.port, new)
        for visitor in visitors:
            visitor.stop.set()
            visitor.join(30)
    finally:
        server.kill()
    assert not [visitor.broken for visitor in visitors if visitor.broken]
    assert all(len(visitor.statuses) > 10 for visitor in visitors)
    assert {status for visitor in visitors for status in visitor.statuses} == {200}
