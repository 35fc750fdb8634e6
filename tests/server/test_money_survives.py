"""`adcascade serve` over a real catalog, log and ledger, killed amid clicks: nothing lost, nothing charged twice."""

import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from tests.server.process import SERVE, Process, speak

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.catalog.store import CatalogStore
from adcascade.events.journal import Journal
from adcascade.settings import FILE, load_settings

WHEN = "2025-06-15T15:06:40Z"
AUCTION = {"auctions": [{"type": "listings", "slots": 2}]}


def stocked(folder: Path) -> None:
    """A catalog of two campaigns that pay per click; clicks faster than a person's count here."""
    if not (folder / FILE).exists():
        (folder / FILE).write_text("[traffic]\nenabled = false\n")
    store = CatalogStore(load_settings(folder).catalog_url)
    look = (Creative(id="look", title="look"),)
    store.put(
        [Advertiser(id="v")],
        [Campaign(id=name, advertiser="v", bid_micros=500_000, daily_budget_micros=10**12) for name in ("k", "l")],
        [
            Ad(
                id=f"{name}{number}",
                campaign=name,
                product=f"p{number}",
                title="shoe",
                url="https://v.example/x",
                creatives=look,
            )
            for name in ("k", "l")
            for number in range(4)
        ],
    )
    store.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """The real server over two campaigns that pay per click."""
    stocked(tmp_path)
    server = Process(tmp_path, SERVE)
    server.start()
    yield server
    if server.child is not None and server.child.poll() is None:
        server.kill()


class Clicker(threading.Thread):
    """Asks for ads and reports a click on each, twice, until the server dies or `stop` is set."""

    def __init__(self, process: Process) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.acknowledged: dict[str, str] = {}  # id of the click -> resolved bid id
        self.stop = False

    def run(self) -> None:
        """Until the connection breaks."""
        connection = HTTPConnection("127.0.0.1", self.process.port, timeout=20)
        try:
            while not self.stop:
                _, answer = speak(connection, "POST", "/v2/auctions", AUCTION)
                tokens = [winner["resolvedBidId"] for winner in answer["results"][0]["winners"]]
                clicks = [{"id": f"click-{t}", "resolvedBidId": t, "occurredAt": WHEN} for t in tokens * 2]
                if clicks:
                    _, told = speak(connection, "POST", "/v2/events", {"clicks": clicks})
                    pairs = zip(told["clicks"], clicks, strict=True)
                    self.acknowledged |= {
                        click["id"]: click["resolvedBidId"] for each, click in pairs if each["status"] != "rejected"
                    }
        except (OSError, HTTPException):
            return
        finally:
            connection.close()


def test_every_acknowledged_click_is_in_the_log_and_charged_once(process: Process) -> None:
    """After SIGKILL and a restart: each click logged once, each bid charged once; repeats change nothing."""
    clickers = [Clicker(process) for _ in range(3)]
    for clicker in clickers:
        clicker.start()
    deadline = time.monotonic() + 30
    while any(len(clicker.acknowledged) < 5 for clicker in clickers) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    for clicker in clickers:
        clicker.join(timeout=20)
    acknowledged = {name: token for clicker in clickers for name, token in clicker.acknowledged.items()}
    assert len(acknowledged) >= 15
    before = audit(process.folder, set(acknowledged))

    process.start()
    again = [{"id": name, "resolvedBidId": token, "occurredAt": WHEN} for name, token in acknowledged.items()][:900]
    _, told = process.ask("POST", "/v2/events", {"clicks": again})
    assert {each["status"] for each in told["clicks"]} == {"duplicate"}
    process.kill()
    assert audit(process.folder, set(acknowledged)) == before


def audit(folder: Path, acknowledged: set[str]) -> tuple[int, int]:
    """Check the files as they lie on disk; (clicks, micros charged)."""
    with Journal(folder / "journal.db") as journal:
        clicks = [row[0] for row in journal.query("SELECT id FROM records WHERE kind = 'click'")]
        charges = journal.query("SELECT bid_id, micros FROM bookings WHERE kind = 'charge'")
        balance = journal.query("SELECT coalesce(sum(charged), 0) FROM balances")[0][0]
    assert len(clicks) == len(set(clicks))
    assert acknowledged <= set(clicks)
    assert len(charges) == len({bid_id for bid_id, _ in charges}), "a bid was charged twice"
    assert len(charges) == len(clicks), "a click was not charged"
    assert sum(micros for _, micros in charges) == balance > 0
    return len(clicks), balance
