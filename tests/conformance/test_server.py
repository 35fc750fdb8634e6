"""Our own server passes its own suite, as a real process over a real journal."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.server.process import Process

from adcascade.conformance.run import Plan, conform
from adcascade.conformance.tally import Tally

EXERCISED = (
    "bid.price", "bid.floor", "banner.html", "banner.size", "native.required", "native.trackers",
    "macro.known", "block.badv", "block.bcat", "seatbid.bseat", "refusal.json", "refusal.encoding",
    "privacy.coppa", "privacy.gdpr", "privacy.gpp", "vast.protocol", "bid.protocol", "notice.win", "notice.billing",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The small shop, serving."""
    process = Process(tmp_path_factory.mktemp("conformance"))
    process.start()
    yield process
    process.kill()


@pytest.mark.parametrize("seed", [0, 20261125])
def test_the_server_violates_no_rule(server: Process, seed: int) -> None:
    """Examples, notices and 400 mutations: no violation, no 5xx, no hang; banners and native ads are really bid."""
    tally = Tally()
    plan = Plan(url=f"http://127.0.0.1:{server.port}/openrtb2/bid", mutations=400, seed=seed, notices=True)
    asyncio.run(conform(plan, tally))
    told = {count.rule.id: count for count in tally.counts}
    assert [(name, count.examples) for name, count in told.items() if count.verdict == "violated"] == []
    assert [name for name in EXERCISED if told[name].verdict != "holds"] == []
    assert tally.violations == tally.hangs == 0
    assert not any(status.startswith("5") for status in tally.statuses)
    assert tally.bids > 50
