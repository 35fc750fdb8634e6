"""What a page view and an ad have to do with each other, for slates of ads or for all ads at once."""

from dataclasses import dataclass

import numpy as np

from adcascade.market.ads import Ads
from adcascade.market.arrays import Floats, Ints, Singles
from adcascade.market.categories import CategoryTree
from adcascade.market.config import MarketConfig
from adcascade.market.shoppers import Shoppers
from adcascade.market.streams import Purpose, uniform_of
from adcascade.market.views import PageViews


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Ingredients of clicks and conversions, each [N, K] or, for all ads, [N, A]."""

    affinity: Singles  # cosine of the shopper's interest and the ad
    context: Singles  # 1 same category as the page's intent, 0.35 same department, 0 else
    query: Singles  # share of the query's words that the ad has
    gap: Singles  # squared distance of the ad's price level and the shopper's, less its mean of 2


@dataclass(frozen=True, slots=True)
class Pairing:
    """Computes `Pairs` for one market."""

    tree: CategoryTree
    ads: Ads
    shoppers: Shoppers

    def of(self, views: PageViews, ads: Ints) -> Pairs:
        """The pairs of each view with its own ads [N, K]; an ad of -1 gives meaningless numbers to be masked."""
        people = self.shoppers.people(views.user)
        interest = self.shoppers.interest(people, views.tick)
        hits = self.ads.has_word[views.query[:, None, :], ads[:, :, None]]  # [N, K, Q]
        return Pairs(
            affinity=np.einsum("nd,nkd->nk", interest, self.ads.vector[ads]),
            context=self.tree.match[views.intent[:, None], self.ads.category[ads]],
            query=(hits.sum(axis=2) / _query_length(views)).astype(np.float32),
            gap=(self.ads.price_level[ads] - people.thrift[:, None]) ** 2 - 2,
        )

    def of_all(self, views: PageViews) -> Pairs:
        """The pairs of each view with all ads [N, A]."""
        people = self.shoppers.people(views.user)
        interest = self.shoppers.interest(people, views.tick)
        hits = np.zeros((len(views), len(self.ads)), np.float32)
        for word in views.query.T:
            hits += self.ads.has_word[word]
        return Pairs(
            affinity=interest @ self.ads.vector.T,
            context=self.tree.match[views.intent][:, self.ads.category],
            query=(hits / _query_length(views)).astype(np.float32),
            gap=(self.ads.price_level[None, :] - people.thrift[:, None]) ** 2 - 2,
        )


def _query_length(views: PageViews) -> Floats:
    """Number of words of each query, at least 1, [N, 1]."""
    return np.asarray((views.query >= 0).sum(axis=1, keepdims=True).clip(1), np.float64)


def mood(config: MarketConfig, seed: int, views: PageViews) -> Floats:
    """What nothing visible tells about each view [N]: standard logistic, scaled to a deviation of config.noise."""
    u = uniform_of(seed, Purpose.MOOD, views.view).clip(1e-9, 1 - 1e-9)
    return np.asarray(config.noise * np.sqrt(3) / np.pi * np.log(u / (1 - u)))
