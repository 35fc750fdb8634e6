"""Money and rules: what a conversion and a click are worth, what is bid, budgets, billing, targets and targeting."""

from dataclasses import dataclass

import numpy as np

from adcascade.market.ads import Ads
from adcascade.market.arrays import Flags, Floats, Longs
from adcascade.market.categories import CategoryTree
from adcascade.market.clock import MICROS
from adcascade.market.config import MarketConfig
from adcascade.market.scenarios import Scenarios
from adcascade.market.streams import Purpose, stream
from adcascade.market.views import PageViews
from adcascade.market.words import COUNTRIES, DEVICES

_LEAST, _MOST = 0.05, 4.0  # USD, of a bid per click
_SLATE_CTR = 0.7  # mean CTR over the slots of a slate, as a share of the first slot's: turns value per click into CPM


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where campaigns may be seen; each axis a table campaign x value, all True where unrestricted."""

    scenario: Flags  # [campaigns, S]
    device: Flags  # [campaigns, devices]
    country: Flags  # [campaigns, countries]
    keyword: Flags  # [campaigns, W + 1] the query must hold one; the last column is "no word"

    def allow(self, views: PageViews) -> Flags:
        """Which campaigns may be shown on each view, [N, campaigns]."""
        word = np.zeros((len(views), len(self.keyword)), bool)
        for column in views.query.T:
            word |= self.keyword[:, column].T
        return np.asarray(
            self.scenario[:, views.scenario].T
            & self.device[:, views.device].T
            & self.country[:, views.country].T
            & word
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Economy:
    """Money of ads [A] and campaigns [campaigns], in micros of USD."""

    value_per_conversion_micros: Longs  # [A]
    value_per_click_micros: Longs  # [A] the same times the mean P(conversion | click) of the ad
    bid_micros: Longs  # [A] per billing event of the campaign
    per_impression: Flags  # [campaigns] pays per impression, else per click
    daily_budget_micros: Longs  # [campaigns]
    target_cpa_micros: Longs  # [campaigns] most that a conversion may cost
    target_roi: Floats  # [campaigns] least value per cost
    targets: Targets


def draw_economy(
    config: MarketConfig, seed: int, world: tuple[CategoryTree, Scenarios, Ads], ctr: Floats, cvr: Floats
) -> Economy:
    """Money that fits the world; ctr and cvr [A] are the ads' true means over all views.

    A conversion is worth an advertiser's margin of the price. A bid is a noisy share (about 0.9) of the value, within
    0.05 to 4 USD per click: roughly truthful, as bidders in a second-price auction would be.
    """
    tree, scenarios, ads = world
    random = stream(seed, Purpose.ECONOMY)
    margin = random.uniform(0.1, 0.35, config.advertisers)
    per_conversion = margin[ads.advertiser] * ads.price_micros
    per_click = (per_conversion * cvr).clip(_LEAST * MICROS, _MOST * MICROS)
    share = 0.9 * np.exp(config.bid_noise * random.standard_normal(config.campaigns))
    bid = (share[ads.campaign] * per_click).clip(_LEAST * MICROS, _MOST * MICROS)
    per_impression = random.random(config.campaigns) < config.impression_billing_share
    bid = np.where(per_impression[ads.campaign], bid * ctr * _SLATE_CTR, bid).clip(1)
    budget = config.median_daily_budget_usd * np.exp(1.1 * random.standard_normal(config.campaigns))
    value = np.bincount(ads.campaign, per_conversion, config.campaigns) / np.bincount(
        ads.campaign, None, config.campaigns
    )
    return Economy(
        value_per_conversion_micros=np.round(per_conversion).astype(np.int64),
        value_per_click_micros=np.round(per_click).astype(np.int64),
        bid_micros=np.round(bid).astype(np.int64),
        per_impression=per_impression,
        daily_budget_micros=np.round(budget.clip(1) * 100).astype(np.int64) * (MICROS // 100),
        target_cpa_micros=np.round(value * random.uniform(0.8, 1.2, config.campaigns)).astype(np.int64),
        target_roi=random.uniform(0.9, 1.4, config.campaigns),
        targets=_targets(random, config, tree, scenarios, ads),
    )


def _targets(
    random: np.random.Generator, config: MarketConfig, tree: CategoryTree, scenarios: Scenarios, ads: Ads
) -> Targets:
    """Of the campaigns that restrict themselves: a third scenarios, some devices or countries, some keywords."""
    n = config.campaigns
    kind = random.choice(["scenario", "device", "country", "keyword"], n, p=[0.35, 0.25, 0.2, 0.2])
    restricted = random.random(n) < config.targeting_share

    def table(name: str, allowed: Flags) -> Flags:
        """`allowed` for the campaigns that are restricted in this way, True for all others."""
        return np.asarray(np.where((restricted & (kind == name))[:, None], allowed, True))

    keyword = np.zeros((n, len(tree.words) + 1), bool)
    own = tree.own_words[ads.category]  # [A, 6]
    keyword[ads.campaign[:, None], own[:, :4]] = True
    return Targets(
        scenario=table("scenario", _some(random, n, scenarios.traffic)),
        device=table("device", _some(random, n, np.full(len(DEVICES), 1 / len(DEVICES)))),
        country=table("country", _some(random, n, np.full(len(COUNTRIES), 1 / len(COUNTRIES)))),
        keyword=table("keyword", keyword),
    )


def _some(random: np.random.Generator, n: int, share: Floats) -> Flags:
    """Each value with probability one half, and at least one drawn by its share, [n, values]."""
    allowed = random.random((n, len(share))) < 0.5
    allowed[np.arange(n), random.choice(len(share), n, p=share)] = True
    return allowed
