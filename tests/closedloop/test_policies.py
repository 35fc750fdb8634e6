"""The policies that the cascade is measured beside play by the cascade's rules."""

from pathlib import Path

import numpy as np

from adcascade.auction import METHODS, AuctionStage
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.policies import (
    MarketSellers,
    PolicyDrive,
    oracle_chooser,
    popularity_chooser,
    uniform_chooser,
)
from adcascade.closedloop.report import outcome_of
from adcascade.closedloop.shown import Shown
from adcascade.market.clock import TICKS_PER_DAY
from adcascade.market.config import MarketConfig
from adcascade.market.market import Market

MARKET = Market(MarketConfig(users=300, ads=260, campaigns=60, advertisers=20, views_per_tick=40), seed=3)
TICKS = range(70, 76)


def drive(name: str, *, rule: str = "gsp") -> PolicyDrive:
    """A policy over the small market."""
    auction = AuctionStage(METHODS[rule], MarketSellers.of(MARKET), reserve_micros=200_000, slot_factors=(1.0, 0.8))
    ones = np.ones(len(MARKET.ads))
    choosers = {
        "random": uniform_chooser(MARKET, 1),
        "popularity": popularity_chooser(ones, 50 * ones),
        "oracle": oracle_chooser(MARKET),
    }
    return PolicyDrive(MARKET, auction, choosers[name])


def test_the_market_and_the_catalog_agree_who_may_answer(tmp_path: Path) -> None:
    """The market's own eligibility is the snapshot's, view by view: the policies and the cascade meet the same ads."""
    state = MARKET.catalog(70)
    with CatalogStore(f"sqlite:///{tmp_path / 'catalog.db'}") as store:
        store.put(state.advertisers, state.campaigns, state.ads)
        snapshot = Snapshot.from_store(store)
    views = MARKET.views(70)
    allowed = MARKET.eligible(views)
    for row, request in enumerate(MARKET.requests(views)):
        bits = np.unpackbits(snapshot.eligible(request, request.time_us), bitorder="little")[: snapshot.n]
        mine = {snapshot.ad_ids[place] for place in np.flatnonzero(bits)}
        theirs = {f"a{ad}" for ad in np.flatnonzero(allowed[row])}
        assert mine == theirs


def test_the_truth_beats_popularity_and_chance() -> None:
    """Welfare of the oracle is the highest of the three."""
    welfare = {name: outcome_of(drive(name).run(TICKS), 240)["welfare"] for name in ("random", "popularity", "oracle")}
    assert welfare["oracle"] > max(welfare["random"], welfare["popularity"])


def test_no_policy_overspends_a_day() -> None:
    """What a campaign is charged in a day is at most its budget."""
    for name in ("random", "oracle"):
        shown = drive(name).run(TICKS)
        campaign = MARKET.ads.campaign[shown.ad]
        assert TICKS.stop <= TICKS_PER_DAY
        charged = np.bincount(campaign, shown.charged, MARKET.config.campaigns)
        assert (charged <= MARKET.economy.daily_budget_micros).all()


def test_winners_are_eligible_and_one_per_campaign() -> None:
    """No view shows two ads of one campaign, nor one that may not be shown."""
    views = MARKET.views(72)
    shown = drive("random").tick(72, views)
    allowed = MARKET.eligible(views)
    order = {int(v): i for i, v in enumerate(views.view)}
    rows = np.array([order[int(v)] for v in shown.view])
    assert allowed[rows, shown.ad].all()
    pairs = np.stack([rows, MARKET.ads.campaign[shown.ad]], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)


def test_first_price_charges_the_bid() -> None:
    """Under first price every billed event costs exactly the bid, unless the day's budget ends."""
    shown: Shown = drive("random", rule="first_price").run(range(70, 72))
    assert (shown.price == MARKET.bid_micros[shown.ad]).all()
