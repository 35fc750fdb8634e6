"""A real server under an open loop of several times what it can do: it declines in time, and events get through."""

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import monotonic, sleep

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.load.installation import AUCTION, bid_request, impressions, make_catalog
from tests.load.openloop import Crowd, Shot, fire, get, post
from tests.server.attack import Meter
from tests.server.process import SERVE, Process

RATE = 400.0  # a second, of requests that take some milliseconds each
IMPS = 40
TMAX_MS = 120


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """`adcascade serve` over a small catalog."""
    make_catalog(tmp_path)
    server = Process(tmp_path, SERVE)
    server.start()
    yield server
    if server.child is not None and server.child.poll() is None:
        server.kill()


def heavy(number: int) -> bytes:
    """Many banners at once."""
    return post("/openrtb2/bid", bid_request(number, imps=IMPS, tmax=TMAX_MS))


async def overload(port: int, token: str) -> tuple[list[Shot], list[Shot]]:
    """Auctions and events at once. token: what the events are about."""
    crowd = Crowd(port)
    shots = await asyncio.gather(
        fire(crowd, heavy, rate=RATE, seconds=2.5),
        fire(crowd, lambda n: post("/v2/events", impressions(f"e{n}", [token])), rate=40, seconds=2.5, seed=1),
    )
    crowd.close()
    return shots


def waited_behind(shots: list[Shot]) -> list[int]:
    """For each request, how many others were answered with bids between its due time and its answer."""
    ends = sorted(shot.due_s + shot.took_s for shot in shots if shot.status == 200)
    return [bisect_left(ends, shot.due_s + shot.took_s) - bisect_left(ends, shot.due_s) for shot in shots]


def unhurried(process: Process, number: int) -> int:
    """Ask as `heavy` does, with more time than it can take; how many bids there were."""
    status, told = process.ask("POST", "/openrtb2/bid", bid_request(number, imps=IMPS, tmax=60_000))
    assert status == 200
    return len(told["seatbid"][0]["bid"])


def sold(process: Process) -> str:
    """The token of an ad that was sold; an auction that came late on a busy machine is asked for again."""
    for _ in range(100):
        for winner in process.ask("POST", "/v2/auctions", AUCTION)[1]["results"][0]["winners"]:
            token: str = winner["resolvedBidId"]
            return token
    raise AssertionError("nothing is sold")


def test_overload_is_declined_and_no_event_is_shed(process: Process) -> None:
    """Every request is answered, by bids or by 204; every event is accepted; then the ladder is climbed down again.

    The laws: no status but 200 and 204, some of both; each 204 is counted with its reason, and declines climb the
    ladder; nobody waits behind more work than fits into tmax, by the CPU that the work takes (by how many is counted,
    for how long it takes depends on who else uses the machine), where without the ladder half of all would wait behind
    hundreds; each event's receipt says accepted; afterwards the rung is 0 and there are as many bids as before.
    """
    bids = unhurried(process, -1)
    cpu_s = Meter(process).cost_s(lambda: [unhurried(process, -n) for n in range(2, 12)]) / 10
    token = sold(process)
    before = no_bids(figures(process))
    auctions, events = asyncio.run(overload(process.port, token))
    by_status = Counter(shot.status for shot in auctions)
    assert set(by_status) == {200, 204}
    assert median(waited_behind(auctions)) <= TMAX_MS / 1000 / cpu_s
    assert {receipt["status"] for shot in events for receipt in shot.told()["impressions"]} == {"accepted"}
    deadline = monotonic() + 60
    while (metrics := figures(process))["adcascade_ladder_rung", ""] and monotonic() < deadline:
        sleep(0.2)
    assert metrics["adcascade_ladder_rung", ""] == 0
    assert unhurried(process, len(auctions)) == bids
    assert no_bids(metrics) - before == by_status[204]
    assert metrics["adcascade_no_bids_total", "overload"] > 0
    assert metrics["adcascade_ladder_climbed_total", "3"] >= 1


def no_bids(metrics: dict[tuple[str, str], float]) -> float:
    """Requests that came to nothing, whatever the reason."""
    return sum(value for (name, _), value in metrics.items() if name == "adcascade_no_bids_total")


def figures(process: Process) -> dict[tuple[str, str], float]:
    """Every sample by its name and its first label's value."""
    status, text = process.ask("GET", "/metrics")
    assert status == 200
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_status_and_health_answer_under_load(process: Process) -> None:
    """Who watches the server sees it while it is overloaded."""

    async def watch() -> tuple[list[Shot], list[Shot]]:
        crowd = Crowd(process.port)
        both = await asyncio.gather(
            fire(crowd, heavy, rate=RATE / 2, seconds=1.0),
            fire(crowd, lambda n: get("/health"), rate=20, seconds=1.0, seed=2),
        )
        crowd.close()
        return both

    _, looks = asyncio.run(watch())
    assert {shot.status for shot in looks} == {200}
