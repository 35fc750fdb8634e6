"""Clicks: a slow twin, and dials that do what they say and nothing when they are zero."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.market import Market, MarketConfig, PageViews
from adcascade.market.arrays import Floats, Ints
from adcascade.market.clicks import calibrated_bias
from adcascade.market.pairs import mood

SMALL = MarketConfig(users=300, ads=400, campaigns=40, advertisers=12, scenarios=8, views_per_tick=150)
NO_EFFECT = replace(
    SMALL,
    interest_strength=0.0,
    context_strength=0.0,
    query_strength=0.0,
    quality_strength=0.0,
    price_strength=0.0,
    picture_strength=0.0,
    device_strength=0.0,
    neighbour_strength=0.0,
    position_decay=0.0,
    noise=0.0,
)
EFFECTS = ("interest", "context", "query", "quality", "price", "picture")


@pytest.fixture(scope="module")
def market() -> Market:
    """All effects at their defaults."""
    return Market(SMALL, seed=11)


@pytest.fixture(scope="module")
def views(market: Market) -> PageViews:
    """Three ticks."""
    return PageViews.concatenate([market.views(tick) for tick in (60, 61, 62)])


def slates(market: Market, views: PageViews) -> Ints:
    """Uniformly random slates."""
    return market.uniform_slates(views, 60)[0]


def slow_probability(market: Market, views: PageViews, ads: Ints, i: int) -> list[float]:
    """The click model of clicks.py for view i, written once more with plain loops and no shared code."""
    c, a, s = market.config, market.ads, int(views.scenario[i])
    people = market.shoppers.people(views.user[i : i + 1])
    interest = market.shoppers.interest(people, views.tick[i : i + 1])[0]
    words = [w for w in views.query[i] if w >= 0]
    own_mood = float(mood(c, market.seed, views.take(slice(i, i + 1)))[0])
    tree = market.tree

    def pull(ad: int) -> float:
        context = 0.0
        if views.intent[i] >= 0:
            page, category = views.intent[i], a.category[ad]
            sisters = tree.department[page] == tree.department[category]
            context = 1.0 if page == category else 0.35 * sisters
        query = sum(bool(a.has_word[w, ad]) for w in words) / max(1, len(words))
        gap = (a.price_level[ad] - people.thrift[0]) ** 2 - 2
        own = c.quality_strength * a.quality[ad] + c.picture_strength * a.appeal[ad, 0] - c.price_strength * gap
        return float(
            market.scenarios.interest[s] * c.interest_strength * float(interest @ a.vector[ad])
            + market.scenarios.context[s] * (c.context_strength * context + c.query_strength * query)
            + market.scenarios.quality[s] * own
            + c.device_strength * (0.0, 1.0, -1.0)[views.device[i]]
            + own_mood
        )

    def logistic(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    result = []
    organic = [o for o in views.organic[i] if o >= 0]
    for k, ad in enumerate(ads[i]):
        if ad < 0:
            result.append(0.0)
            continue
        crowd = 0.0
        for j, other in enumerate(ads[i]):
            if j != k and other >= 0:
                crowd += ((a.category[ad] == a.category[other]) + logistic(pull(other) - 2)) / abs(j - k)
        for o in organic:
            crowd += ((a.category[ad] == a.category[o]) + logistic(a.quality[o] - 2)) * 0.5 / views.organic.shape[1]
        seen = (k + 1) ** -market.scenarios.decay[s]
        logit = market.clicks.bias[s] + pull(int(ad)) - c.neighbour_strength * crowd
        result.append(float(seen * logistic(logit)))
    return result


def test_the_fast_model_agrees_with_the_slow_one(market: Market, views: PageViews) -> None:
    """Probabilities of random slates equal those of the plain loops."""
    ads = slates(market, views)
    fast = market.click_probability(views, ads)
    for i in range(0, len(views), 17):
        assert np.allclose(fast[i], slow_probability(market, views, ads, i), rtol=1e-4, atol=1e-9)


def test_with_all_dials_at_zero_every_click_is_equally_likely() -> None:
    """No effect is left over: a scenario's probability is one number, in every slot, for every ad and shopper."""
    market = Market(NO_EFFECT, seed=11)
    views = market.views(60)
    ads = slates(market, views)
    p = market.click_probability(views, ads)
    for s in np.unique(views.scenario):
        here = p[(views.scenario == s)[:, None] & (ads >= 0)]
        assert np.ptp(here) < 1e-12
    first = market.first_slot_ctr(views)
    assert (np.ptp(first, axis=1) == 0).all()


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_dial_alone_makes_ads_differ_and_more_when_it_is_turned_up(effect: str) -> None:
    """With one dial up, an oracle gains over a random ad, and gains more when the dial is turned further."""

    def gain(strength: float) -> float:
        dial: dict[str, Any] = {f"{effect}_strength": strength}
        market = Market(replace(NO_EFFECT, **dial), seed=11)
        ctr = market.first_slot_ctr(market.views(60)).astype(np.float64)
        return float((ctr.max(axis=1) / ctr.mean(axis=1)).mean())

    none, some, more = gain(0.0), gain(0.3), gain(0.9)
    assert none == pytest.approx(1.0, abs=1e-9)
    assert 1.02 < some < more


def test_without_position_decay_all_slots_are_alike(views: PageViews) -> None:
    """An ad alone has the same probability in every slot if position_decay is 0, and a falling one if not."""
    for decay, law in ((0.0, 0.0), (0.5, 1.0)):
        market = Market(replace(SMALL, position_decay=decay), seed=11)
        in_slot = []
        for k in range(6):
            ads = np.full((len(views), 6), -1, np.int32)
            ads[:, k] = 7
            in_slot.append(market.click_probability(views, ads)[:, k])
        steps = -np.diff(np.array(in_slot), axis=0)
        assert (np.sign(steps) == law).all()


def test_without_neighbour_strength_slates_are_sums(views: PageViews) -> None:
    """With neighbour_strength 0 an ad's probability does not depend on the other ads; else all its neighbours harm."""
    for strength in (0.0, 0.3):
        market = Market(replace(SMALL, neighbour_strength=strength), seed=11)
        ads = np.random.default_rng(0).integers(0, 400, (len(views), 6)).astype(np.int32)
        alone = np.full_like(ads, -1)
        alone[:, 2] = ads[:, 2]
        together, single = market.click_probability(views, ads)[:, 2], market.click_probability(views, alone)[:, 2]
        assert np.array_equal(together, single) if strength == 0 else (together < single).all()


def test_a_neighbour_of_the_same_category_takes_more_and_a_near_one_most(market: Market, views: PageViews) -> None:
    """Cannibalisation: same category harms more than another category of equal pull; distance weakens it."""
    category = market.ads.category
    ad = int(np.flatnonzero(np.bincount(category)[category] > 3)[0])
    twin = int(np.flatnonzero((category == category[ad]) & (np.arange(len(category)) != ad))[0])

    def first(neighbour: int, slot: int) -> Floats:
        ads = np.full((len(views), 6), -1, np.int32)
        ads[:, 0], ads[:, slot] = ad, neighbour
        return market.click_probability(views, ads)[:, 0]

    assert (first(twin, 1) < first(twin, 4)).all()
    stranger = int(np.flatnonzero(category != category[ad])[0])
    assert first(twin, 1).mean() < first(stranger, 1).mean()


def test_each_dial_at_zero_cuts_its_own_wire(views: PageViews) -> None:
    """Without interest and price effects shoppers are alike; without context and query effects pages are alike."""
    shuffled = np.random.default_rng(0).permutation(len(views))
    no_user = Market(replace(SMALL, interest_strength=0.0, price_strength=0.0), seed=11)
    other_user = replace(views, user=views.user[shuffled])
    assert np.array_equal(no_user.first_slot_ctr(views), no_user.first_slot_ctr(other_user))
    no_page = Market(replace(SMALL, context_strength=0.0, query_strength=0.0), seed=11)
    other_page = replace(views, intent=views.intent[shuffled], query=views.query[shuffled])
    assert np.array_equal(no_page.first_slot_ctr(views), no_page.first_slot_ctr(other_page))


def test_the_creative_matters_as_far_as_the_dial_says(views: PageViews) -> None:
    """With picture_strength 0 all creatives of an ad are alike; with it up the more appealing look gets more clicks."""
    for strength in (0.0, 0.4):
        market = Market(replace(SMALL, picture_strength=strength), seed=11)
        ad = int(market.ads.creatives.argmax())
        ads = np.full((len(views), 6), -1, np.int32)
        ads[:, 0] = ad
        looks = [market.click_probability(views, ads, np.full_like(ads, c))[:, 0].mean() for c in range(4)]
        if strength == 0:
            assert np.ptp(looks) == 0
        else:
            assert np.array_equal(np.argsort(looks), np.argsort(market.ads.appeal[ad]))


def test_the_mood_is_the_noise_dial(market: Market, views: PageViews) -> None:
    """The hidden mood has mean 0 and the deviation of the dial, and is nothing at 0."""
    many = replace(views, view=np.arange(len(views), dtype=np.int64))
    assert mood(SMALL, 1, many).std() == pytest.approx(SMALL.noise, rel=0.15)
    assert not mood(replace(SMALL, noise=0.0), 1, many).any()


def test_turning_a_dial_does_not_change_how_much_is_clicked(views: PageViews) -> None:
    """The mean CTR of random ads stays near base_ctr whatever the strengths are."""
    for config in (SMALL, NO_EFFECT, replace(SMALL, interest_strength=6.0)):
        market = Market(config, seed=11)
        fresh = PageViews.concatenate([market.views(tick) for tick in range(100, 106)])
        assert market.first_slot_ctr(fresh).mean() == pytest.approx(SMALL.base_ctr, rel=0.2)


@settings(deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=3, max_size=30), st.floats(0.01, 0.4))
def test_the_bias_meets_its_target(pull: list[float], target: float) -> None:
    """The mean of sigmoid(bias + pull) is the target, to nine digits."""
    table = np.array([pull])
    bias = calibrated_bias(table, np.array([target]))
    assert (1 / (1 + np.exp(-bias[:, None] - table))).mean() == pytest.approx(target, abs=1e-9)
