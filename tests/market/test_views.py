"""Page views: the day's curve, and pages that fit their shoppers."""

import numpy as np
import pytest

from adcascade.market import Market, MarketConfig, PageViews
from adcascade.market.clock import EPOCH_US, TICK_US, TICKS_PER_DAY, day_curve, tick_start_us

CONFIG = MarketConfig(users=300, ads=400, campaigns=40, advertisers=12, views_per_tick=200)


@pytest.fixture(scope="module")
def market() -> Market:
    """A market of 400 ads."""
    return Market(CONFIG, seed=9)


@pytest.fixture(scope="module")
def views(market: Market) -> PageViews:
    """Every twelfth tick of a day."""
    return PageViews.concatenate([market.views(tick) for tick in range(0, 144, 12)])


def test_the_day_has_a_mean_of_one_and_a_quiet_night() -> None:
    """The curve is positive, averages 1 over the day, repeats, and the evening has three times the traffic of 4 h."""
    curve = [day_curve(tick) for tick in range(TICKS_PER_DAY)]
    assert np.mean(curve) == pytest.approx(1.0)
    assert min(curve) > 0
    assert day_curve(120) > 3 * day_curve(24)
    assert day_curve(5) == day_curve(5 + TICKS_PER_DAY)


def test_ticks_tile_time() -> None:
    """A tick begins where the one before ends; tick 0 at the start of 2026."""
    assert tick_start_us(0) == EPOCH_US
    assert tick_start_us(7) - tick_start_us(6) == TICK_US


def test_views_of_a_tick_lie_in_it(market: Market) -> None:
    """All times of tick 33 lie between its start and the next, in order; ids name the tick."""
    views = market.views(33)
    assert (views.time_us >= tick_start_us(33)).all()
    assert (views.time_us < tick_start_us(34)).all()
    assert (np.diff(views.time_us) >= 0).all()
    assert (views.tick == 33).all()


def test_traffic_follows_its_dial(market: Market) -> None:
    """Over a day the mean number of views per tick is near views_per_tick."""
    counts = [len(market.views(tick)) for tick in range(0, 144, 4)]
    assert np.mean(counts) == pytest.approx(200, rel=0.05)


def test_shoppers_look_at_what_they_like(market: Market, views: PageViews) -> None:
    """The page is about one of the shopper's liked categories far more often than by chance (5 of 40)."""
    about = views.intent >= 0
    liked = market.shoppers.people(views.user[about]).liked
    assert (liked == views.intent[about, None]).any(axis=1).mean() > 0.5


def test_a_query_is_of_the_words_of_its_intent(market: Market, views: PageViews) -> None:
    """Every word of a query belongs to the intended category, none is repeated, and a search has at least one."""
    searches = market.scenarios.has_query[views.scenario]
    assert ((views.query >= 0).any(axis=1) == searches).all()
    for i in np.flatnonzero(searches)[:100]:
        words = views.query[i][views.query[i] >= 0]
        assert len(set(words)) == len(words)
        assert set(words) <= set(market.tree.own_words[views.intent[i]])


def test_pages_show_products_of_their_category(market: Market, views: PageViews) -> None:
    """Organic items of a page about something are of that category."""
    there = (views.organic >= 0) & (views.intent >= 0)[:, None]
    category = market.ads.category[views.organic]
    assert (category == views.intent[:, None])[there].all()


def test_few_scenarios_have_most_of_the_traffic_and_all_have_some(market: Market, views: PageViews) -> None:
    """The four largest make more than 70 % of the views; slots lie between 1 and 6 and average 4 to 5."""
    share = np.bincount(views.scenario, minlength=12) / len(views)
    assert np.sort(share)[-4:].sum() > 0.7
    assert (market.scenarios.traffic > 0).all()
    assert views.slots.min() >= 1
    assert views.slots.max() <= 6
    assert 3.8 < views.slots.mean() < 5.2


def test_scenarios_differ_as_far_as_the_dial_says() -> None:
    """scenario_spread 0 makes all click levels and weights 1."""
    flat = Market(MarketConfig(scenario_spread=0.0, users=50, ads=60, campaigns=10, advertisers=3), seed=1).scenarios
    for weight in (flat.level, flat.interest, flat.context, flat.quality):
        assert (weight == 1).all()
