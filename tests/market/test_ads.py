"""Ads: who owns them, how they come and go, what can be seen of them."""

import numpy as np

from adcascade.market.ads import draw_ads
from adcascade.market.categories import category_tree
from adcascade.market.config import MarketConfig

CONFIG = MarketConfig()
ADS = draw_ads(CONFIG, 4, category_tree(4))


def test_every_campaign_has_an_ad_and_every_advertiser_a_campaign() -> None:
    """No owner is empty, and a campaign has one owner."""
    assert len(np.unique(ADS.campaign)) == CONFIG.campaigns
    assert len(np.unique(ADS.advertiser)) == CONFIG.advertisers
    pairs = {(int(c), int(a)) for c, a in zip(ADS.campaign, ADS.advertiser, strict=True)}
    assert len(pairs) == CONFIG.campaigns


def test_about_as_many_ads_live_as_the_dial_says_at_all_times() -> None:
    """From the first to the last tick of life_ticks about 77 % of all ads live; some come and some go."""
    alive = [ADS.alive(tick).sum() / CONFIG.ads for tick in range(0, CONFIG.life_ticks, 100)]
    assert max(np.abs(np.array(alive) - 0.77)) < 0.04
    assert (ADS.alive(0) & ~ADS.alive(1000)).any()
    assert (~ADS.alive(0) & ADS.alive(1000)).any()


def test_with_a_share_of_one_all_ads_live_for_ever() -> None:
    """ads_alive_share 1 switches coming and going off."""
    ads = draw_ads(MarketConfig(ads_alive_share=1.0), 4, category_tree(4))
    assert ads.alive(0).all()
    assert ads.alive(10**9).all()


def test_the_rating_tells_of_the_quality_but_not_all() -> None:
    """Correlation of visible rating and latent quality lies between 0.5 and 0.85."""
    assert 0.5 < np.corrcoef(ADS.rating, ADS.quality)[0, 1] < 0.85


def test_titles_hold_words_of_the_category() -> None:
    """An ad's own words are in the word table, and no ad holds the missing word."""
    number = np.arange(len(ADS))
    assert ADS.has_word[ADS.words.T, number].all()
    assert not ADS.has_word[-1].any()
    assert (ADS.has_word.sum(axis=0) == ADS.words.shape[1]).all()


def test_missing_creatives_repeat_the_first() -> None:
    """An index beyond an ad's creatives is the look of its first, so that a careless index does no harm."""
    one = ADS.creatives == 1
    assert np.array_equal(ADS.look[one, 1], ADS.look[one, 0])
    assert np.array_equal(ADS.picture[one, 3], ADS.picture[one, 0])
    assert 0.8 < ADS.appeal.std() < 1.2
