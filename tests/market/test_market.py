"""The market as the closed loop uses it: regenerable, coherent, and with the truth in reach."""

from dataclasses import fields

import numpy as np
import pytest

from adcascade.errors import InputError
from adcascade.market import Market, MarketConfig, PageViews

SMALL = MarketConfig(users=200, ads=260, campaigns=40, advertisers=12, scenarios=8, views_per_tick=30)


@pytest.fixture(scope="module")
def market() -> Market:
    """A small market."""
    return Market(SMALL, seed=5)


@pytest.fixture(scope="module")
def views(market: Market) -> PageViews:
    """Five ticks of it."""
    return PageViews.concatenate([market.views(tick) for tick in range(70, 75)])


def same(a: object, b: object) -> bool:
    """All fields of two structs of arrays are equal bit for bit."""
    names = [field.name for field in fields(a)]  # type: ignore[arg-type]
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_a_tick_is_the_same_on_a_fresh_market_in_any_order(market: Market) -> None:
    """Views, slates and outcomes of tick 1500 do not depend on what was asked before."""
    for tick in (0, 3, 700):
        market.views(tick)
    fresh = Market(SMALL, seed=5)
    ours, theirs = market.views(1500), fresh.views(1500)
    assert same(ours, theirs)
    (ads, propensity), (ads_again, propensity_again) = (m.uniform_slates(ours, 1500) for m in (market, fresh))
    assert np.array_equal(ads, ads_again)
    assert np.array_equal(propensity, propensity_again)
    assert same(market.respond(ours, ads), fresh.respond(theirs, ads))
    assert np.array_equal(market.first_slot_ctr(ours), fresh.first_slot_ctr(theirs))
    assert market.requests(ours) == fresh.requests(theirs)
    assert market.catalog(1500) == fresh.catalog(1500)


def test_another_seed_is_another_world(market: Market) -> None:
    """Two seeds share neither views nor ads."""
    other = Market(SMALL, seed=6)
    assert not same(market.views(3), other.views(3))
    assert not np.array_equal(market.ads.vector, other.ads.vector)


def test_alone_in_the_first_slot_both_truths_agree(market: Market, views: PageViews) -> None:
    """first_slot_ctr(views)[n, a] is click_probability of the slate that holds only a, in the first slot."""
    every = market.first_slot_ctr(views)
    for ad in (0, 17, 259):
        slate = np.full((len(views), 6), -1, np.int32)
        slate[:, 0] = ad
        assert np.allclose(market.click_probability(views, slate)[:, 0], every[:, ad], rtol=1e-4)


def test_an_empty_place_gets_nothing(market: Market, views: PageViews) -> None:
    """Where ads is -1 there is neither probability nor outcome."""
    slate = np.full((len(views), 6), -1, np.int32)
    slate[:, 2] = 3
    answer = market.respond(views, slate)
    empty = slate < 0
    assert not answer.clicks[empty].any()
    assert not answer.click_probability[empty].any()
    assert not answer.conversion_probability[empty].any()
    assert (answer.click_probability[~empty] > 0).all()


def test_a_truncated_batch_of_views_gets_the_same_outcomes(market: Market, views: PageViews) -> None:
    """Outcomes of a view do not depend on which other views are asked with it."""
    ads, _ = market.uniform_slates(views, 70)
    part = np.arange(3, len(views), 7)
    whole, alone = market.respond(views, ads), market.respond(views.take(part), ads[part])
    assert np.array_equal(whole.clicks[part], alone.clicks)
    assert np.array_equal(whole.conversion_time_us[part], alone.conversion_time_us)


def test_views_are_in_time_and_unique(market: Market) -> None:
    """Ids are never used twice, and times lie in the tick, in order."""
    ticks = [market.views(tick) for tick in range(4)]
    everything = PageViews.concatenate(ticks)
    assert len(np.unique(everything.view)) == len(everything)
    assert (np.diff(everything.time_us) >= 0).all()


def test_requests_tell_nothing_of_who_does_not_consent(market: Market, views: PageViews) -> None:
    """Without consent there is neither user key nor visible attribute."""
    for request, consent in zip(market.requests(views), views.consent, strict=True):
        assert (request.user is not None) == bool(consent)
        assert consent or not request.context


def test_requests_show_what_the_views_hold(market: Market, views: PageViews) -> None:
    """Slots, scenario, query and category of a request are those of its view, and none tells the hidden intent."""
    requests = market.requests(views)
    for i, request in enumerate(requests):
        assert len(request.slots) == views.slots[i]
        assert request.scenario == market.scenarios.names[views.scenario[i]]
        assert bool(request.query) == (request.scenario == "search")
        assert (request.category == "") == (views.category[i] < 0)
    assert {request.id for request in requests} == {f"r{view}" for view in views.view}


def test_eligible_means_alive_and_targeted(market: Market, views: PageViews) -> None:
    """`eligible` agrees with a slow reading of the catalog's own targeting."""
    requests, eligible = market.requests(views), market.eligible(views)
    campaigns = {campaign.id: campaign.targeting for campaign in market.catalog(70).campaigns}
    ads = market.catalog(70).ads
    for i in np.flatnonzero(views.tick == 70)[:20]:
        request, alive = requests[i], {ad.id for ad in ads}
        for ad in ads:
            t = campaigns[ad.campaign]
            wanted = (
                (not t.scenarios or request.scenario in t.scenarios)
                and (not t.devices or request.device in t.devices)
                and (not t.countries or request.country in t.countries)
                and (not t.keywords or bool(set(request.query.split()) & set(t.keywords)))
            )
            assert eligible[i, market.ad_index[ad.id]] == wanted
        assert eligible[i].sum() <= len(alive)


def test_bad_input_names_the_field(market: Market, views: PageViews) -> None:
    """Whoever passes nonsense learns which argument it was."""
    with pytest.raises(InputError, match="ads is"):
        market.respond(views, np.zeros((3, 6), np.int32))
    with pytest.raises(InputError, match="tick is"):
        market.views(-1)
    with pytest.raises(InputError, match="seed is"):
        Market(SMALL, seed=-1)
    with pytest.raises(InputError, match="interest_strength is"):
        MarketConfig(interest_strength=-1.0)
    with pytest.raises(InputError, match="base_ctr is"):
        MarketConfig(base_ctr=0.7)
    with pytest.raises(InputError, match="ads is"):
        MarketConfig(ads=10)
