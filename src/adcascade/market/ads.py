"""Ads and who runs them, as arrays: advertisers with a brand, campaigns with a department, ads with words and looks."""

from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Bytes, Flags, Floats, Ints, Longs, Singles
from adcascade.market.categories import WIDTH, CategoryTree
from adcascade.market.config import MarketConfig
from adcascade.market.pictures import LOOK, render
from adcascade.market.streams import Purpose, stream

MOST_CREATIVES = 4
TITLE_WORDS = 4
_OWN = 0.35  # how far an ad lies from the centre of its category


@dataclass(frozen=True, slots=True, kw_only=True)
class Ads:
    """All A ads that ever live; everything about them but money."""

    campaign: Ints  # [A]
    advertiser: Ints  # [A]
    category: Ints  # [A]
    vector: Singles  # [A, D] unit vectors in the space of interests
    quality: Singles  # [A] latent, standard normal: draws clicks
    charm: Singles  # [A] latent, standard normal, goes with quality: turns clicks into conversions
    rating: Singles  # [A] what is visible of the quality: stars from 1 to 5
    price_micros: Longs  # [A]
    price_level: Singles  # [A] standardised log price
    words: Ints  # [A, 4] of the title
    has_word: Flags  # [W + 1, A] the word stands in title or keywords; the last row ("no word") is False
    creatives: Ints  # [A] how many, 1 to 4
    look: Singles  # [A, 4, L]; those beyond `creatives` repeat the first
    appeal: Singles  # [A, 4] what the look does to clicks, standard normal over the ads
    picture: Bytes  # [A, 4, 8, 8, 3]
    start_tick: Longs  # [A] 0 or less: from the beginning
    end_tick: Longs  # [A] first tick without it

    def __len__(self) -> int:
        """The number of ads, A."""
        return len(self.campaign)

    def alive(self, tick: int) -> Flags:
        """Which ads live at this tick, [A]."""
        return np.asarray((self.start_tick <= tick) & (tick < self.end_tick))


def draw_ads(config: MarketConfig, seed: int, tree: CategoryTree) -> Ads:
    """The ads of this market."""
    random = stream(seed, Purpose.ADS)
    campaign, advertiser = _owners(random, config)
    category = _categories(random, tree, campaign, config.campaigns)
    quality, charm, rating = _qualities(random, advertiser, config.advertisers)
    price_level = random.standard_normal(config.ads)
    price = config.median_price_usd * np.exp(0.5 * random.standard_normal(len(tree))[category] + 0.6 * price_level)
    words = _titles(random, tree, category)
    own = _OWN / np.sqrt(WIDTH) * random.standard_normal((config.ads, WIDTH))
    vector = tree.centre[category] + own
    creatives, look, appeal = _looks(seed, tree, category)
    start, end = _lives(random, config)
    return Ads(
        campaign=campaign,
        advertiser=advertiser,
        category=category,
        vector=(vector / np.linalg.norm(vector, axis=1, keepdims=True)).astype(np.float32),
        quality=quality,
        charm=charm,
        rating=rating,
        price_micros=(np.round(price, 2) * 1e6).astype(np.int64),
        price_level=price_level.astype(np.float32),
        words=words,
        has_word=_word_table(tree, words),
        creatives=creatives,
        look=look,
        appeal=appeal,
        picture=render(look.reshape(-1, LOOK)).reshape(config.ads, MOST_CREATIVES, 8, 8, 3),
        start_tick=start,
        end_tick=end,
    )


def _owners(random: np.random.Generator, config: MarketConfig) -> tuple[Ints, Ints]:
    """Campaign and advertiser of each ad [A]: few are big, and each has at least one."""
    size = np.exp(0.8 * random.standard_normal(config.campaigns))
    more = random.choice(config.campaigns, config.ads - config.campaigns, p=size / size.sum())
    campaign = random.permutation(np.concatenate([np.arange(config.campaigns), more]))
    wealth = np.exp(0.8 * random.standard_normal(config.advertisers))
    others = random.choice(config.advertisers, config.campaigns - config.advertisers, p=wealth / wealth.sum())
    owner = random.permutation(np.concatenate([np.arange(config.advertisers), others]))
    return campaign.astype(np.int32), owner[campaign].astype(np.int32)


def _categories(random: np.random.Generator, tree: CategoryTree, campaign: Ints, campaigns: int) -> Ints:
    """Category of each ad [A]: two thirds that of the campaign, the others a sister of it."""
    home = random.choice(len(tree), campaigns, p=tree.popularity)
    own = home[campaign]
    sister = random.integers(0, len(tree), len(campaign))
    stays = random.random(len(campaign)) < 0.66
    sisters = len(tree) // len(tree.departments)
    return np.where(stays, own, own - own % sisters + sister % sisters).astype(np.int32)


def _qualities(random: np.random.Generator, advertiser: Ints, advertisers: int) -> tuple[Singles, Singles, Singles]:
    """Quality, charm (correlation 0.5) and visible rating (correlation about 0.7 with quality), each [A]."""
    n = len(advertiser)
    quality = 0.5 * random.standard_normal(advertisers)[advertiser] + np.sqrt(0.75) * random.standard_normal(n)
    charm = 0.5 * quality + np.sqrt(0.75) * random.standard_normal(n)
    rating = np.round(3.8 + 0.45 * (quality + random.standard_normal(n)), 1).clip(1, 5)
    return quality.astype(np.float32), charm.astype(np.float32), rating.astype(np.float32)


def _titles(random: np.random.Generator, tree: CategoryTree, category: Ints) -> Ints:
    """Words of the titles [A, 4]: three different words of the category behind a filler."""
    n = len(category)
    pick = np.argsort(random.random((n, tree.own_words.shape[1])), axis=1)[:, : TITLE_WORDS - 1]
    own = tree.own_words[category[:, None], pick]
    return np.hstack([random.choice(tree.fillers, (n, 1)), own]).astype(np.int32)


def _word_table(tree: CategoryTree, words: Ints) -> Flags:
    """Which word stands in which ad, [W + 1, A]."""
    table = np.zeros((len(tree.words) + 1, len(words)), bool)
    table[words.T, np.arange(len(words))] = True
    return table


def _looks(seed: int, tree: CategoryTree, category: Ints) -> tuple[Ints, Singles, Singles]:
    """Number of creatives [A], their looks [A, 4, L], and what each look does [A, 4].

    What pleases is partly the same everywhere and partly a matter of the department.
    """
    random = stream(seed, Purpose.PICTURES)
    n = len(category)
    count = random.choice(MOST_CREATIVES, n, p=[0.4, 0.25, 0.2, 0.15]).astype(np.int32) + 1
    look = random.standard_normal((n, MOST_CREATIVES, LOOK)).astype(np.float32)
    beyond = np.arange(MOST_CREATIVES)[None, :] >= count[:, None]
    look = np.where(beyond[:, :, None], look[:, :1], look)
    everywhere = random.standard_normal(LOOK)
    here = random.standard_normal((len(tree.departments), LOOK))
    taste = 0.8 * everywhere / np.linalg.norm(everywhere) + 0.6 * here / np.linalg.norm(here, axis=1, keepdims=True)
    appeal: Floats = np.einsum("acl,al->ac", look, taste[tree.department[category]])
    return count, look, appeal.astype(np.float32)


def _lives(random: np.random.Generator, config: MarketConfig) -> tuple[Longs, Longs]:
    """First tick and first tick after the life of each ad, [A]: a steady coming and going over life_ticks."""
    share = config.ads_alive_share
    if share >= 1:
        return np.zeros(config.ads, np.int64), np.full(config.ads, np.iinfo(np.int64).max)
    life = max(1, round(config.life_ticks * share / (1 - share)))
    start = random.integers(-life + 1, config.life_ticks + 1, config.ads)
    return start.astype(np.int64), (start + life).astype(np.int64)
