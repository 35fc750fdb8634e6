"""Forecasts over the log of a real engine in the simulated market: what was won is won again, and the next hours come
in the order that was foretold."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy.stats import spearmanr
from tests.closedloop.conftest import SMALL, Lab

from adcascade.catalog.store import CatalogStore
from adcascade.events.read import read_records
from adcascade.events.records import AuctionRecord
from adcascade.forecast.bars import pages_of
from adcascade.forecast.chances import Chances, own_of
from adcascade.forecast.forecast import forecast
from adcascade.forecast.log import ads_of, drafted, places_of, rules_of
from adcascade.forecast.replay import entries_of, prices, won
from adcascade.forecast.sample import DAY_US, Sample
from adcascade.forecast.traffic import Log, traffic_of
from adcascade.market.clock import tick_start_us
from adcascade.settings import load_settings

FIRST, SECOND, END = (tick_start_us(ticks) for ticks in (SMALL.first.start, SMALL.second.start, SMALL.second.stop))

OFTEN = 5  # impressions


def auctions(directory: Path, since_us: int, until_us: int) -> list[AuctionRecord]:
    """The requests of these hours, in order of time."""
    read = (record for _, record in read_records(load_settings(directory).journal_path, kinds=("auction",)))
    found = [one for one in read if isinstance(one, AuctionRecord) and since_us <= one.time_us < until_us]
    return sorted(found, key=lambda one: one.time_us)


def log_of(records: list[AuctionRecord], window: tuple[int, int], store: CatalogStore) -> Log:
    """As a forecast of that time would have read them."""
    payloads = tuple(msgspec.msgpack.encode(one) for one in records)
    offered = sum(len(one.winners) for one in records)
    traffic = traffic_of(
        Sample(payloads=payloads, since_us=window[0], until_us=window[1], kinds={"impression": offered})
    )
    return Log(traffic, places_of(traffic.rows.tolist(), store))


@pytest.fixture(scope="module")
def store(lab: Lab) -> CatalogStore:
    """The market's catalog as it is at the end."""
    with CatalogStore(load_settings(lab.directory).catalog_url) as opened:
        return opened


def test_what_a_campaign_won_it_wins_again(lab: Lab, store: CatalogStore) -> None:
    """Every third campaign is taken out of the log and put back with the bids that it made: of its wins at least 99 of
    100 come again, nine of ten of them in their slot at their price; and few come beside: where it had no money."""
    records = auctions(lab.directory, FIRST, END)
    log, rules = log_of(records, (FIRST, END), store), rules_of(load_settings(lab.directory).auction)
    traffic, places = log
    bids = np.concatenate([np.frombuffer(one.ranked.bid, "<i8") for one in records if one.ranked is not None])
    paid = {(a, w.ad): w.price_micros for a, one in enumerate(records) for w in one.winners}
    told = np.zeros(4, np.int64)
    for number in range(0, len(places.campaigns), 3):
        own = own_of(traffic, places.campaign == number)
        there = (own >= 0) & ~traffic.explored
        nothing = np.zeros(len(traffic), np.int64)
        chances = Chances(
            ctr=np.where(there, traffic.ctr[own], np.nan), cvr=np.zeros(len(traffic)), ad=nothing,
            bid=np.full(len(traffic), np.nan), instead=nothing + number, known=there, basis="own", evidence=0,
        )  # fmt: skip
        per_click = bool(places.per_click[places.campaign == number][:1].any())
        entries = entries_of(traffic, pages_of(log, rules, chances.instead), chances, per_click=per_click)
        bid = bids[own[entries.at]].astype(np.float64)
        slot, actual = won(entries, bid), traffic.won[own[entries.at]]
        price = prices(entries, bid, slot, rules.rule)
        rows = traffic.rows[traffic.row[own[entries.at]]].tolist()
        same = [
            s == k and abs(p - paid[a, row]) <= 1
            for s, k, p, a, row in zip(slot, actual, price, entries.at.tolist(), rows, strict=True)
            if k >= 0 and s >= 0
        ]
        told += [
            (actual >= 0).sum(),
            ((actual >= 0) & (slot >= 0)).sum(),
            sum(same),
            ((actual < 0) & (slot >= 0)).sum(),
        ]
    wins, again, exactly, beside = told.tolist()
    assert wins > 500
    assert again >= 0.99 * wins
    assert exactly >= 0.9 * wins
    assert beside <= 0.15 * wins


def impressions(records: list[AuctionRecord], store: CatalogStore) -> Counter[str]:
    """Ads that were offered, by campaign; in the market each of them is seen."""
    places = store.ad_places(list(range(store.count_ads())))
    return Counter(places[winner.ad].campaign for record in records for winner in record.winners)


@pytest.mark.parametrize(("since_us", "until_us"), [(FIRST, SECOND), (SECOND, END)])
def test_the_next_hours_come_in_the_order_that_was_foretold(
    lab: Lab, store: CatalogStore, since_us: int, until_us: int
) -> None:
    """From the first half of a bundle's hours to the second: over the campaigns that were shown now and then, the rank
    correlation of impressions is above 0.5, and their sum is right within two fifths. The budgets, which are of whole
    days, are left out."""
    middle = (since_us + until_us) // 2
    log = log_of(auctions(lab.directory, since_us, middle), (since_us, middle), store)
    rules = rules_of(load_settings(lab.directory).auction)
    came = impressions(auctions(lab.directory, middle, until_us), store)
    told: dict[str, float] = {}
    for campaign in store.campaigns():
        if came[campaign.id] >= OFTEN:
            advertiser, ads = store.find_advertiser(campaign.advertiser), ads_of(store, campaign.id)
            assert advertiser is not None
            free = msgspec.structs.replace(campaign, daily_budget_micros=None)
            found = forecast(log, drafted(store, free, ads, advertiser), store.ad_rows([ad.id for ad in ads]), rules)
            told[campaign.id] = found.impressions.middle * (until_us - middle) / DAY_US
    happened = [came[name] for name in told]
    assert len(told) > 30
    assert spearmanr(list(told.values()), happened).statistic > 0.5
    assert sum(told.values()) == pytest.approx(sum(happened), rel=0.4)
