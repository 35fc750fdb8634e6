"""The shell's own parts: options, upkeep, logs, the countries."""

import asyncio
import io
import json
from pathlib import Path

import pytest
import structlog
from tests.server.shop import Shop

from adcascade.errors import ConfigurationError
from adcascade.events.journal import Journal
from adcascade.server.logs import configure_logs
from adcascade.server.metrics import Metrics
from adcascade.server.openrtb.countries import ALPHA_2, two_letters
from adcascade.server.options import ServerOptions
from adcascade.server.upkeep import upkeep_lifespan


@pytest.mark.parametrize("url", ["ads.example.com", "ftp://ads.example.com", "https://", "https://a.example/?x=1"])
def test_a_public_url_must_be_one(url: str) -> None:
    """Anything that browsers could not reach is refused with an example."""
    with pytest.raises(ConfigurationError, match=r"https://ads\.example\.com"):
        ServerOptions(public_url=url)


def test_a_rate_must_be_positive() -> None:
    """A currency that is worth nothing cannot be converted."""
    with pytest.raises(ConfigurationError, match="EUR"):
        ServerOptions(rates={"EUR": 0.0})


async def three_rounds(shop: Shop, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rounds of upkeep, the first of which raises."""
    third = asyncio.Event()

    def sometimes(now_us: int) -> None:
        shop.kept += 1
        if shop.kept == 1:
            raise RuntimeError("once")
        if shop.kept == 3:
            third.set()

    monkeypatch.setattr(shop, "upkeep", sometimes)
    async with upkeep_lifespan(shop, metrics, shop.now, every_s=0.001)(None):
        await third.wait()


def test_upkeep_goes_on_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that raises is counted, and the next one comes."""
    metrics = Metrics()
    with Journal(tmp_path / "journal.db") as journal:
        shop = Shop(journal)
        asyncio.run(three_rounds(shop, metrics, monkeypatch))
    assert b'adcascade_failures_total{route="upkeep"} 1.0' in metrics.exposition("")


def test_logs_are_json_lines() -> None:
    """One object a line, with level, time and event."""
    stream = io.StringIO()
    configure_logs(stream)
    try:
        structlog.get_logger().error("request failed", route="/v2/events")
    finally:
        structlog.reset_defaults()
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["route"]) == ("request failed", "error", "/v2/events")
    assert line["timestamp"].endswith("Z")


def test_countries_are_one_to_one() -> None:
    """249 countries, three letters to two, both ways unique; two letters stay."""
    assert len(ALPHA_2) == len(set(ALPHA_2.values())) == 249
    assert (two_letters("deu"), two_letters("DE"), two_letters("Freedonia")) == ("DE", "DE", "FREEDONIA")
