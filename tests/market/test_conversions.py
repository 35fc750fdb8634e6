"""Conversions: probabilities, delays and baskets."""

from dataclasses import replace

import numpy as np
import pytest

from adcascade.market import Market, MarketConfig

SMALL = MarketConfig(users=300, ads=400, campaigns=40, advertisers=12, scenarios=8, views_per_tick=300)


def test_without_conversion_strength_all_convert_alike() -> None:
    """conversion_strength 0 leaves base_cvr for everyone; 1 makes them differ around it."""
    for strength in (0.0, 1.0):
        market = Market(replace(SMALL, conversion_strength=strength), seed=2)
        views = market.views(60)
        ads, _ = market.uniform_slates(views, 60)
        p = market.conversion_probability(views, ads)[ads >= 0]
        assert p.mean() == pytest.approx(SMALL.base_cvr, rel=0.15)
        assert np.ptp(p) < 1e-12 if strength == 0 else p.std() > 0.02


def test_delays_follow_their_law() -> None:
    """Drawn delays of a million impressions of one ad have the distribution that delay_cdf tells."""
    market = Market(SMALL, seed=2)
    n = 100_000
    for number in (int(market.ads.price_level.argmin()), int(market.ads.price_level.argmax())):
        ads = np.full(n, number, np.int32)
        hours = market.conversions.drawn_delay_us(np.arange(n), ads, np.zeros(n, np.int64)) / 3.6e9
        for limit in (0.1, 1.0, 10.0, 48.0):
            told = market.conversions.delay_cdf(ads[:1], limit)[0]
            assert (hours <= limit).mean() == pytest.approx(told, abs=0.01)


def test_dear_things_are_slept_over() -> None:
    """The law depends on the price if delay_spread is up, and on nothing if it is 0."""
    for spread in (0.0, 1.0):
        market = Market(replace(SMALL, delay_spread=spread), seed=2)
        every = np.arange(400, dtype=np.int32)
        soon = market.conversions.delay_cdf(every, 2.0)
        if spread == 0:
            assert np.ptp(soon) < 1e-12
        else:
            assert np.corrcoef(soon, market.ads.price_level)[0, 1] < -0.7


def test_without_delay_conversions_come_at_once() -> None:
    """delay 0: conversion and click have the same time, and the cdf is 1 everywhere; else later, never before."""
    for delay in (0.0, 1.0):
        market = Market(replace(SMALL, delay=delay, base_cvr=0.4, base_ctr=0.3), seed=2)
        views = market.views(60)
        answer = market.respond(views, market.uniform_slates(views, 60)[0])
        late = (answer.conversion_time_us - answer.click_time_us)[answer.conversions]
        assert len(late) > 20
        assert (late == 0).all() if delay == 0 else ((late >= 0).all() and np.median(late) > 6e8)
    assert Market(replace(SMALL, delay=0.0), seed=2).conversions.delay_cdf(np.arange(3, dtype=np.int32), 0.0).all()


def test_a_basket_is_a_whole_number_of_pieces() -> None:
    """What is paid is the price once, twice or three times, mostly once."""
    market = Market(SMALL, seed=2)
    ads = np.zeros(1000, np.int32)
    pieces = (
        market.conversions.basket_micros(np.arange(1000), ads, np.zeros(1000, np.int64)) / market.ads.price_micros[0]
    )
    assert set(pieces.tolist()) == {1.0, 2.0, 3.0}
    assert (pieces == 1).mean() == pytest.approx(0.8, abs=0.05)
