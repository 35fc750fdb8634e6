"""Two machines, each with a server and a journal of its own, and one ledger: in a real Redis, in a real PostgreSQL.

A click may come to the other machine, or to both; a server is killed, and so is the store. Everybody is charged once.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.money.conftest import STORES
from tests.server.process import SERVE, Process
from tests.server.test_money_survives import stocked
from typer.testing import CliRunner

from adcascade.chaos.servers import PostgresServer, RedisServer, Server
from adcascade.cli.ledger import app
from adcascade.events.journal import Journal
from adcascade.money.opening import open_books

WHEN = "2025-06-15T15:06:40Z"
AUCTION = {"auctions": [{"type": "listings", "slots": 2}]}
PATIENCE_S = 60.0


@pytest.fixture(params=STORES[1:])
def store(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A store of this test alone, for it is killed."""
    with PostgresServer(durable=False) if request.param == "postgresql" else RedisServer() as server:
        yield server


@pytest.fixture
def machines(store: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    """Two servers over the same catalog, with one key."""
    monkeypatch.setenv("ADCASCADE_SECRET", "one secret for both machines")
    processes = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        told = f'[money]\nbooks = "{store.url}"\n[traffic]\nenabled = false  # these shoppers are quick\n'
        (folder / "adcascade.toml").write_text(told)
        stocked(folder)
        processes.append(Process(folder, SERVE))
        processes[-1].start()
    yield processes
    for process in processes:
        if process.child is not None and process.child.poll() is None:
            process.kill()


def tokens(machine: Process, count: int) -> list[str]:
    """So many ads that this machine answered, all of them reserved."""
    found: list[str] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count and time.monotonic() < deadline:
        _, answer = machine.ask("POST", "/v2/auctions", AUCTION)
        found += [winner["resolvedBidId"] for winner in answer["results"][0]["winners"]]
    return found[:count]


def click(machine: Process, clicked: list[str]) -> list[str]:
    """Report clicks; what became of each."""
    events = [{"id": f"click-{token}", "resolvedBidId": token, "occurredAt": WHEN} for token in clicked]
    status, told = machine.ask("POST", "/v2/events", {"clicks": events})
    assert status < 300, told
    return [each["status"] for each in told["clicks"]]


def charged(store: Server, folder: Path) -> dict[str, int]:
    """Bid -> micros, as the books hold them."""
    with Journal(folder / "look.db") as journal:
        books = open_books(store.url, journal)
        rows: list[dict[str, Any]] = books.charges()
        assert books.verify() == []
        books.close()
    assert len(rows) == len({row["bid_id"] for row in rows}), "a bid was charged twice"
    return {row["bid_id"]: row["micros"] for row in rows}


def wait_for(store: Server, folder: Path, count: int) -> None:
    """Until so many bids are charged, which the upkeep of whoever has them on disk sees to."""
    deadline = time.monotonic() + PATIENCE_S
    while len(charged(store, folder)) < count and time.monotonic() < deadline:
        time.sleep(0.3)
    assert len(charged(store, folder)) == count


def test_two_machines_share_one_ledger(machines: list[Process], store: Server, tmp_path: Path) -> None:
    """Clicks at the other machine, at both, around a kill of a server and of the store: each bid is charged once."""
    one, two = machines
    at_home, away, both = tokens(one, 4), tokens(one, 4), tokens(two, 4)
    assert set(click(one, at_home) + click(two, away)) == {"accepted"}
    assert set(click(one, both) + click(two, both)) == {"accepted"}
    wait_for(store, tmp_path, 12)

    late = tokens(one, 4)
    one.kill()
    assert set(click(two, late[:2])) == {"accepted"}
    one.start()
    assert set(click(one, late)) == {"accepted"}
    assert set(click(one, at_home)) == {"duplicate"}
    wait_for(store, tmp_path, 16)

    waiting = tokens(one, 4)
    store.kill()
    assert set(click(one, waiting) + click(two, waiting[:1])) == {"accepted"}
    one.kill()  # with charges on its disk that the books have not heard of
    store.start()
    one.start()
    wait_for(store, tmp_path, 20)

    for machine in machines:
        assert machine.ask("GET", "/ready")[0] == 200
    assert CliRunner().invoke(app, ["verify", "--dir", str(one.folder)]).exit_code == 0
