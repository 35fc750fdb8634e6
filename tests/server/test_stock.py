"""The law of stock: within a second of the update a product that is sold out is advertised no more."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.server.process import SERVE, Process, speak

from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.settings import load_settings

AUCTION = {"auctions": [{"type": "listings", "slots": 2}]}
OTHERS = [f"k{number}" for number in range(4)]
ALL = [*OTHERS, *(f"l{number}" for number in range(4))]
SOLD_OUT = """
import sys, time
from adcascade.catalog.store import CatalogStore
with CatalogStore(sys.argv[1]) as store:
    store.set_stock({ad: int(sys.argv[2]) for ad in sys.argv[3:]})
print(time.time())
"""


def stocked(folder: Path) -> None:
    """Two campaigns of four products each, which have the names of their ads."""
    with CatalogStore(load_settings(folder).catalog_url) as store:
        store.put(
            [Advertiser(id="v")],
            [Campaign(id=name, advertiser="v", bid_micros=500_000) for name in "kl"],
            [Ad(id=name, campaign=name[0], product=name, stock=1, url="https://v.example/x") for name in ALL],
        )


class Shopper(threading.Thread):
    """Asks for ads without a pause; keeps when each answer was asked for, and what it advertised."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.answers: list[tuple[float, float, set[str]]] = []  # asked, answered (wall clock), products
        self.refused: list[int] = []
        self.stop = False

    def run(self) -> None:
        """Until told to stop."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.stop:
            asked = time.time()
            status, answer = speak(connection, "POST", "/v2/auctions", AUCTION)
            if status != 200:
                self.refused.append(status)
                continue
            shown = {winner["id"] for winner in answer["results"][0]["winners"]}
            self.answers.append((asked, time.time(), shown))
        connection.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """The real server over them."""
    stocked(tmp_path)
    server = Process(tmp_path, SERVE)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def sell(folder: Path, stock: int, ads: list[str]) -> float:
    """Another process writes the stock; when it had."""
    command = [sys.executable, "-c", SOLD_OUT, load_settings(folder).catalog_url, str(stock), *ads]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_what_is_sold_out_is_gone_within_a_second(process: Process) -> None:
    """Written by another process: no answer asked for a second later holds it, nobody is refused, and back in stock it
    comes back. The second is longer by what a page takes on a machine that does other work too."""
    shopper = Shopper(process.port)
    shopper.start()
    deadline = time.monotonic() + 20
    while not any(shown & set(OTHERS) for _, _, shown in shopper.answers) and time.monotonic() < deadline:
        time.sleep(0.02)
    sold_out = sell(process.folder, 0, OTHERS)
    time.sleep(2)
    still = time.time()
    back = sell(process.folder, 5, OTHERS)
    time.sleep(2)
    shopper.stop = True
    shopper.join(timeout=20)
    second = 1 + 2 * max(answered - asked for asked, answered, _ in shopper.answers if answered > sold_out)
    during = [shown for asked, answered, shown in shopper.answers if sold_out + second <= asked and answered < still]
    after = [shown for asked, _, shown in shopper.answers if asked >= back + second]
    assert len(during) > 10
    assert len(after) > 10
    assert not any(shown & set(OTHERS) for shown in during)
    assert any(during)
    assert any(shown & set(OTHERS) for shown in after)
    assert shopper.refused == []


def test_the_written_stock_is_what_the_log_tells(tmp_path: Path) -> None:
    """The update of the test above is in the audit log of each ad."""
    stocked(tmp_path)
    sell(tmp_path, 0, OTHERS)
    with CatalogStore(load_settings(tmp_path).catalog_url) as store:
        assert [store.history("ads", ad)[-1].after for ad in OTHERS] == [{"stock": 0}] * 4
