"""Three shard processes and a front over HTTP: one shard is killed under load, and started again."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from tests.cascade.sharding.conftest import SIZES
from tests.server.process import ROOT, Process, speak
from typer.testing import CliRunner

from adcascade.catalog.store import CatalogStore
from adcascade.cli.app import app
from adcascade.errors import ConfigurationError
from adcascade.settings import FILE, load_settings

SHARD = (
    "import sys; from adcascade.cli.serve import *; serve(Path(sys.argv[1]), port=int(sys.argv[2]), shard=sys.argv[3])"
)
FRONT = (
    "import sys; from adcascade.cli.serve import *; serve(Path(sys.argv[1]), port=int(sys.argv[2]), shards=sys.argv[3])"
)
COUNT, KILLED = 3, 2
TIMEOUT_S, GRACE_S = 1.0, 0.25  # of a request, and what the way to the client may take beside it on a busy machine
POOR_MICROS = 2_000_000  # of a day, of every other campaign: a few clicks
PATIENCE_S = 60.0


class ShardProcess:
    """A shard as a child process, at a free port."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number = folder, number
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; the front finds it."""
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))}
        told = (str(self.folder), str(self.port), f"{self.number}/{COUNT}")
        command = [sys.executable, "-c", SHARD, *told]
        self.child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it."""
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(number)
            self.child.wait(timeout=20)


class Seen(NamedTuple):
    """One answer as its client saw it."""

    asked: float  # when
    took: float
    status: int
    ads: tuple[int, ...]  # rows of the winners


class Shopper(threading.Thread):
    """Asks for three ads, one of each shard, sees and clicks them, again and again."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self.port, self.number = port, number
        self.seen: list[Seen] = []
        self.stop = False
        self.broken = ""

    def run(self) -> None:
        """Until told to stop; a broken connection is noted."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            while not self.stop:
                self._visit(connection, (len(self.seen) * 4 + self.number) * COUNT % (SIZES.ads - COUNT))
        except Exception as error:  # noqa: BLE001  whatever it is, the test must hear of it
            self.broken = repr(error)
        finally:
            connection.close()

    def _visit(self, connection: HTTPConnection, first: int) -> None:
        start = time.monotonic()
        status, answer = speak(connection, "POST", "/v2/auctions", page(first))
        winners = answer["results"][0]["winners"]
        self.seen.append(Seen(start, time.monotonic() - start, status, tuple(int(w["adId"][1:]) for w in winners)))
        tokens = [winner["resolvedBidId"] for winner in winners]
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        told = {
            kind: [{"id": f"{kind}-{token}", "resolvedBidId": token, "occurredAt": when} for token in tokens]
            for kind in ("impressions", "clicks")
        }
        if tokens:
            speak(connection, "POST", "/v2/events", told)


def page(first: int) -> dict[str, Any]:
    """A page for the ads of three products in a row, which lie on three shards and belong to three campaigns."""
    products = {"ids": [f"p{row}" for row in range(first, first + COUNT)]}
    return {"auctions": [{"type": "listings", "slots": COUNT, "products": products}]}


@pytest.fixture(scope="module")
def stocked(unlearned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop, in which every other campaign has money for a few clicks only."""
    shop = tmp_path_factory.mktemp("sharded") / "shop"
    shutil.copytree(unlearned, shop)
    told = (shop / FILE).read_text().replace("timeout_ms = 20000.0", f"timeout_ms = {TIMEOUT_S * 1000}")
    (shop / FILE).write_text(told)
    with CatalogStore(load_settings(shop).catalog_url) as store:
        poor = [one for one in store.campaigns() if int(one.id[1:]) % 2]
        store.put(campaigns=[msgspec.structs.replace(one, daily_budget_micros=POOR_MICROS) for one in poor])
    return shop


@pytest.fixture(scope="module")
def shards(stocked: Path) -> Iterator[list[ShardProcess]]:
    """Three of them, which listen; all end at SIGTERM with status 0."""
    made = [ShardProcess(stocked, number) for number in range(1, COUNT + 1)]
    try:
        for shard in made:
            shard.start()
        deadline = time.monotonic() + PATIENCE_S
        while not all(listens(shard.port) for shard in made):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield made
    finally:
        for shard in made:
            shard.kill(signal.SIGTERM)
    assert [shard.child.returncode for shard in made if shard.child is not None] == [0] * COUNT


@pytest.fixture(scope="module")
def front(stocked: Path, shards: list[ShardProcess]) -> Iterator[Process]:
    """The server that sells their ads."""
    told = ",".join(f"127.0.0.1:{shard.port}" for shard in shards)
    server = Process(stocked, ("-c", FRONT, "{folder}", "{port}", told))
    try:
        server.start()
        yield server
    finally:
        if server.child is not None and server.child.poll() is None:
            server.kill()


def states(front: Process) -> dict[str, str]:
    """What the front says of its shards."""
    told = front.ask("GET", "/status.json")[1]
    return {line["shard"]: line["state"] for line in told["shards"]}


def wait_until_here(front: Process, count: int) -> None:
    """Until so many shards answer."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(state == "here" for state in states(front).values()) != count:
        assert time.monotonic() < deadline, states(front)
        time.sleep(0.05)


def homes(seen: list[Seen], since: float, until: float) -> set[int]:
    """Numbers of the shards whose ads were answered to requests of that time."""
    return {row % COUNT + 1 for one in seen if since <= one.asked and one.asked + one.took <= until for row in one.ads}


def wait_until_sold(shoppers: list[Shopper], since: float, shards: set[int]) -> float:
    """Until ads of just these shards were answered since then, and half a second more; the time."""
    deadline = time.monotonic() + PATIENCE_S
    while homes([one for shopper in shoppers for one in list(shopper.seen)], since, time.monotonic()) != shards:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    return time.monotonic()


def test_a_shard_dies_under_load_and_returns(stocked: Path, shards: list[ShardProcess], front: Process) -> None:
    """kill -9: every request is answered in time, from then on with the others' ads; restarted, its ads return.

    No campaign spends more than its day's budget, and the books balance.
    """
    wait_until_here(front, COUNT)
    shoppers = [Shopper(front.port, number) for number in range(4)]
    for shopper in shoppers:
        shopper.start()
    wait_until_sold(shoppers, time.monotonic(), {1, 2, 3})
    shards[KILLED - 1].kill()
    dead = time.monotonic()
    wait_until_here(front, COUNT - 1)
    wait_until_sold(shoppers, dead, {1, 3})
    metrics = front.ask("GET", "/metrics")[1].decode()
    reborn = time.monotonic()
    shards[KILLED - 1].start()
    wait_until_here(front, COUNT)
    wait_until_sold(shoppers, time.monotonic(), {1, 2, 3})
    for shopper in shoppers:
        shopper.stop = True
        shopper.join(timeout=20)

    seen = [one for shopper in shoppers for one in shopper.seen]
    assert [shopper.broken for shopper in shoppers] == [""] * 4
    assert {one.status for one in seen} == {200}
    assert max(one.took for one in seen) <= TIMEOUT_S + GRACE_S
    assert homes(seen, dead, reborn) == {1, 3}
    assert 'adcascade_stage_cuts_total{reason="away",stage="shards"}' in metrics
    assert f'adcascade_shard_up{{shard="{KILLED}/{COUNT}"}}' not in metrics

    assert CliRunner().invoke(app, ["ledger", "verify", "--dir", str(stocked)]).exit_code == 0
    with closing(sqlite3.connect(f"file:{stocked / 'journal.db'}?mode=ro", uri=True)) as books:
        rows = books.execute(
            "SELECT campaign, sum(micros) FROM bookings WHERE kind = 'charge' GROUP BY campaign"
        ).fetchall()
    poor = {name: micros for name, micros in rows if int(name[1:]) % 2}
    assert max(poor.values()) <= POOR_MICROS
    assert len(poor) > 5
    assert len(rows) > len(poor)


def test_a_stopped_shard_is_not_waited_for_long(shards: list[ShardProcess], front: Process) -> None:
    """SIGSTOP: its line is open and silent; after a few late answers requests are as quick as before."""
    wait_until_here(front, COUNT)
    child = shards[0].child
    assert child is not None
    child.send_signal(signal.SIGSTOP)
    shopper = Shopper(front.port, 0)
    shopper.start()
    wait_until_here(front, COUNT - 1)
    since = time.monotonic()
    time.sleep(1.0)
    child.send_signal(signal.SIGCONT)
    wait_until_here(front, COUNT)
    wait_until_sold([shopper], time.monotonic(), {1, 2, 3})
    shopper.stop = True
    shopper.join(timeout=20)
    assert shopper.broken == ""
    assert max(one.took for one in shopper.seen) <= TIMEOUT_S + GRACE_S
    quick = [one for one in shopper.seen if since <= one.asked <= since + 0.9]
    assert len(quick) > 5  # a second each, were it waited for


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shard", "4/3"], "such as 1/3"),
        (["--shard", "1/3", "--shards", "127.0.0.1:1"], "leave one of the two out"),
        (["--shard", "1/3", "--workers", "2"], "more shards"),
        (["--shards", "127.0.0.1"], "expected host:port"),
        (["--shards", "127.0.0.1:1,127.0.0.1:1"], "named twice"),
    ],
)
def test_a_role_that_cannot_be_is_refused(arguments: list[str], said: str, tmp_path: Path) -> None:
    """With a sentence, before anything is opened."""
    outcome = CliRunner().invoke(app, ["serve", "--dir", str(tmp_path), "--port", "0", *arguments])
    assert isinstance(outcome.exception, ConfigurationError)
    assert said in str(outcome.exception)
    assert not list(tmp_path.iterdir())


def listens(port: int) -> bool:
    """Whether somebody accepts there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
