"""Money that fits the world, and the catalog that tells it."""

import numpy as np

from adcascade.market import Market, MarketConfig

MARKET = Market(MarketConfig(), seed=3)


def test_bids_are_a_noisy_share_of_the_value() -> None:
    """Per click, bid over value is about 0.9 and strongly related to it: roughly truthful."""
    per_click = ~MARKET.economy.per_impression[MARKET.ads.campaign]
    ratio = MARKET.bid_micros[per_click] / MARKET.value_per_click_micros[per_click]
    assert 0.8 < np.median(ratio) < 1.0
    logs = np.log(MARKET.bid_micros[per_click]), np.log(MARKET.value_per_click_micros[per_click])
    assert np.corrcoef(*logs)[0, 1] > 0.9


def test_bids_per_click_are_between_cents_and_dollars() -> None:
    """Nine of ten bids per click lie within 0.05 and 3 USD; those per impression are a few per cent of that."""
    per_click = ~MARKET.economy.per_impression[MARKET.ads.campaign]
    low, middle, high = np.quantile(MARKET.bid_micros[per_click] / 1e6, [0.05, 0.5, 0.95])
    assert low >= 0.05
    assert 0.2 < middle < 1.2
    assert high < 4
    assert 0.005 < np.median(MARKET.bid_micros[~per_click]) / 1e6 / middle < 0.1


def test_the_value_of_a_click_is_that_of_the_conversions_it_brings() -> None:
    """value per click = value per conversion times the ad's mean P(conversion | click), up to the clipping."""
    per_click = MARKET.value_per_click_micros / MARKET.economy.value_per_conversion_micros
    inside = (MARKET.value_per_click_micros > 60_000) & (MARKET.value_per_click_micros < 3_900_000)
    assert (per_click[inside] < 1).all()
    assert 0.04 < np.median(per_click[inside]) < 0.2


def test_targeting_off_means_no_campaign_is_restricted() -> None:
    """targeting_share 0: every living ad is eligible everywhere."""
    config = MarketConfig(targeting_share=0.0, users=100, ads=200, campaigns=20, advertisers=5)
    market = Market(config, seed=3)
    views = market.views(50)
    assert np.array_equal(market.eligible(views), np.broadcast_to(market.alive(50), (len(views), 200)))
    assert all(campaign.targeting == type(campaign.targeting)() for campaign in market.catalog(50).campaigns)


def test_catalog_changes_lead_from_one_tick_to_the_next() -> None:
    """Removing what is to be removed and putting what is to be put gives the next tick's catalog."""
    for tick in (1, 2, 50, 51):
        before, after, changes = MARKET.catalog(tick - 1), MARKET.catalog(tick), MARKET.catalog_changes(tick)
        ads = ({ad.id for ad in before.ads} - set(changes.removed_ads)) | {ad.id for ad in changes.ads}
        assert ads == {ad.id for ad in after.ads}
        campaigns = {c.id for c in before.campaigns} - set(changes.removed_campaigns) | {
            c.id for c in changes.campaigns
        }
        assert campaigns == {c.id for c in after.campaigns}
    assert any(MARKET.catalog_changes(tick).ads for tick in range(1, 40))


def test_the_catalog_is_whole() -> None:
    """Every ad's campaign and every campaign's advertiser are in the catalog; ids are unique and known."""
    state = MARKET.catalog(10)
    campaigns, owners = {c.id for c in state.campaigns}, {a.id for a in state.advertisers}
    assert all(ad.campaign in campaigns for ad in state.ads)
    assert all(campaign.advertiser in owners for campaign in state.campaigns)
    numbers = [MARKET.ad_index[ad.id] for ad in state.ads]
    assert np.array_equal(numbers, np.flatnonzero(MARKET.alive(10)))
    assert len(MARKET.ad_index) == MARKET.config.ads


def test_an_ad_shows_what_can_be_known_of_it() -> None:
    """Category, title words, price, picture and creatives of the noun are those of the arrays."""
    for ad in MARKET.catalog(10).ads[::200]:
        i = MARKET.ad_index[ad.id]
        assert ad.category == MARKET.tree.paths[MARKET.ads.category[i]]
        assert set(ad.keywords) <= set(ad.title.split())
        assert ad.price_micros == MARKET.ads.price_micros[i]
        assert len(ad.creatives) == MARKET.ads.creatives[i]
        assert np.allclose(ad.picture, MARKET.ads.look[i, 0])


def test_pictures_can_travel_in_the_catalog() -> None:
    """embed_pictures puts the pixels into the creative's URL."""
    config = MarketConfig(embed_pictures=True, users=10, ads=20, campaigns=5, advertisers=2)
    market = Market(config, seed=3)
    creative = market.catalog(0).ads[0].creatives[0]
    assert creative.image_url.startswith("data:image/png;base64,")
    assert market.picture(0).shape == (8, 8, 3)
