"""Outcomes: as often as the truth says, coupled between policies, known for what was not shown."""

import numpy as np
import pytest

from adcascade.market import Market, MarketConfig, PageViews

CONFIG = MarketConfig(users=300, ads=400, campaigns=40, advertisers=12, scenarios=6, views_per_tick=600, base_ctr=0.1)


@pytest.fixture(scope="module")
def market() -> Market:
    """A market with many clicks."""
    return Market(CONFIG, seed=8)


@pytest.fixture(scope="module")
def views(market: Market) -> PageViews:
    """Ten ticks."""
    return PageViews.concatenate([market.views(tick) for tick in range(60, 70)])


def test_outcomes_are_as_frequent_as_their_probabilities(market: Market, views: PageViews) -> None:
    """In each tenth of the true probability, the rate of clicks lies within 4 standard errors; so do conversions."""
    ads, _ = market.uniform_slates(views, 60)
    answer = market.respond(views, ads)
    shown = ads >= 0
    for happened, p in (
        (answer.clicks[shown], answer.click_probability[shown]),
        (answer.would_convert[shown], answer.conversion_probability[shown]),
    ):
        for part in np.array_split(np.argsort(p), 10):
            error = np.sqrt((p[part] * (1 - p[part])).sum())
            assert abs(happened[part].sum() - p[part].sum()) < 4 * error


def test_the_same_impression_has_the_same_outcome_under_every_policy(market: Market, views: PageViews) -> None:
    """Where two policies show the same ads beside the same neighbours, outcomes and times agree exactly."""
    ads, _ = market.uniform_slates(views, 60)
    other = ads.copy()
    changed = np.arange(len(views)) % 2 == 0
    other[changed] = np.roll(other, 1, axis=0)[changed]
    a, b = market.respond(views, ads), market.respond(views, other)
    same = (ads == other).all(axis=1)
    assert same.any()
    for name in ("clicks", "click_time_us", "conversions", "conversion_time_us", "value_micros"):
        assert np.array_equal(getattr(a, name)[same], getattr(b, name)[same])


def test_a_more_likely_click_never_unhappens(market: Market, views: PageViews) -> None:
    """Potential outcomes are monotone: taking the neighbours away never loses a click."""
    ads, _ = market.uniform_slates(views, 60)
    alone = np.full_like(ads, -1)
    alone[:, 0] = ads[:, 0]
    with_others, without = market.respond(views, ads).clicks[:, 0], market.respond(views, alone).clicks[:, 0]
    assert not (with_others & ~without).any()
    assert (without & ~with_others).any()


def test_conversions_need_clicks_and_come_after_them(market: Market, views: PageViews) -> None:
    """No conversion, time or value without its cause, and time runs forward."""
    answer = market.respond(views, market.uniform_slates(views, 60)[0])
    assert not (answer.conversions & ~answer.clicks).any()
    assert np.array_equal(answer.conversions, answer.clicks & answer.would_convert)
    assert ((answer.value_micros > 0) == answer.conversions).all()
    assert ((answer.click_time_us >= 0) == answer.clicks).all()
    assert ((answer.conversion_time_us >= 0) == answer.conversions).all()
    when = np.broadcast_to(views.time_us[:, None], answer.clicks.shape)
    assert (answer.click_time_us > when)[answer.clicks].all()
    assert (answer.conversion_time_us >= answer.click_time_us)[answer.conversions].all()


def test_welfare_is_the_value_of_clicks(market: Market, views: PageViews) -> None:
    """Welfare of outcomes is the sum of the clicked ads' values, and of probabilities its expectation."""
    ads, _ = market.uniform_slates(views, 60)
    answer = market.respond(views, ads)
    told = sum(int(market.value_per_click_micros[ad]) for ad in ads[answer.clicks])
    assert market.welfare_micros(ads, answer.clicks) == pytest.approx(told)
    assert market.welfare_micros(ads, answer.click_probability) == pytest.approx(told, rel=0.15)
