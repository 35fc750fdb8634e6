"""Slates to compare with."""

import numpy as np
import pytest

from adcascade.market import Market, MarketConfig, PageViews
from adcascade.market.slates import best_slates

TINY = MarketConfig(users=50, ads=12, campaigns=6, advertisers=3, scenarios=5, views_per_tick=3000)


@pytest.fixture(scope="module")
def market() -> Market:
    """A market with a dozen ads."""
    return Market(TINY, seed=1)


@pytest.fixture(scope="module")
def views(market: Market) -> PageViews:
    """One busy tick."""
    return market.views(100)


def test_uniform_slates_are_uniform_in_every_slot(market: Market, views: PageViews) -> None:
    """Each living ad is as frequent in each slot as its logged propensity says (4 standard errors), others never."""
    ads, propensity = market.uniform_slates(views, 100)
    alive = market.alive(100)
    assert set(np.unique(ads)) == {-1, *np.flatnonzero(alive).tolist()}
    p = 1 / alive.sum()
    assert np.array_equal(propensity, np.where(ads >= 0, p, 0.0))
    for k in range(6):
        n = (ads[:, k] >= 0).sum()
        if n:
            rate = np.bincount(ads[:, k][ads[:, k] >= 0], minlength=12)[alive] / n
            assert (np.abs(rate - p) < 4 * np.sqrt(p * (1 - p) / n)).all()


def test_a_slate_fills_the_slots_with_different_ads(market: Market, views: PageViews) -> None:
    """As many ads as slots (or as live), none twice."""
    ads, _ = market.uniform_slates(views, 100)
    assert np.array_equal((ads >= 0).sum(axis=1), np.minimum(views.slots, market.alive(100).sum()))
    for row in ads:
        shown = row[row >= 0]
        assert len(np.unique(shown)) == len(shown)


def test_the_best_slate_is_the_sorted_top_of_what_is_allowed(views: PageViews) -> None:
    """best_slates agrees with sorting each row, and never shows what is not allowed."""
    random = np.random.default_rng(0)
    score = random.random((len(views), 12))
    allowed = random.random(score.shape) < 0.4
    ads = best_slates(views, score, allowed)
    for i in range(0, len(views), 50):
        order = [a for a in np.argsort(-score[i]) if allowed[i, a]][: views.slots[i]]
        assert [a for a in ads[i] if a >= 0] == order


def test_knowledge_is_worth_what_it_should() -> None:
    """Mean true CTR: oracle at least 3 x random, popularity between them and well below the oracle."""
    market = Market(MarketConfig(), seed=0)
    views = PageViews.concatenate([market.views(tick) for tick in (60, 70)])

    def ctr(ads: np.ndarray[tuple[int, int], np.dtype[np.int32]]) -> float:
        return float(market.click_probability(views, ads).sum() / (ads >= 0).sum())

    truth = market.first_slot_ctr(views)
    popular = best_slates(views, np.broadcast_to(truth.mean(axis=0), truth.shape), market.eligible(views))
    random, popularity, oracle = (
        ctr(market.uniform_slates(views, 60)[0]),
        ctr(popular),
        ctr(market.oracle_slates(views)),
    )
    assert 0.012 < random < 0.027
    assert oracle > 4 * random
    assert random * 1.5 < popularity < 0.6 * oracle
