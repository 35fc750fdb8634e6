"""Live shoppers before a real server: what they do over HTTP is what stands in the log afterwards."""

import signal
from collections import Counter
from pathlib import Path

from tests.server.process import SERVE, Process

from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.live import Crowd
from adcascade.closedloop.world import load_world
from adcascade.events.read import last_seq, read_records
from adcascade.events.records import AuctionRecord, Click, Conversion
from adcascade.market.config import MarketConfig
from adcascade.market.market import Market
from adcascade.market.twins import Twins
from adcascade.settings import load_settings

TICKS = 3


def test_pages_clicks_and_purchases_reach_the_log(shop: Path) -> None:
    """In a market where purchases follow clicks at once, every order of the log names a clicked ad, with its value."""
    world, settings = load_world(shop), load_settings(shop)
    market = Market(MarketConfig(views_per_tick=world.views_per_tick, delay=0.0, base_cvr=0.2), world.seed)
    before = last_seq(settings.journal_path)
    server = Process(shop, SERVE)
    server.start()
    pages = clicks = 0
    with CatalogStore(settings.catalog_url) as catalog:
        crowd = Crowd(market, Twins(market), catalog.find_ad)
        for tick in range(world.tick, world.tick + TICKS):
            views = market.views(tick)
            for row, request in enumerate(market.requests(views)):
                clicks += crowd.visit(views.take(slice(row, row + 1)), request, ("127.0.0.1", server.port))
                pages += 1
    server.kill(signal.SIGTERM)
    records = [record for _, record in read_records(settings.journal_path, before)]
    kinds = Counter(type(record) for record in records)
    assert (pages, clicks) == (kinds[AuctionRecord], kinds[Click])
    clicked = {record.bid_id for record in records if isinstance(record, Click)}
    bought = [record for record in records if isinstance(record, Conversion)]
    assert 0 < len(bought) < clicks
    assert all(record.bid_id in clicked and record.value_micros > 0 for record in bought)
