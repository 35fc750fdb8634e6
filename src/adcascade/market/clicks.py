"""What makes a click.

    P(click | view, slate, slot k) = examination[scenario, k] * sigmoid(bias[scenario] + pull + crowd)

pull   what view and ad have to do with each other (interest, page, query, price), what the ad is (quality, look), the
       device and the mood of the view: does not know the slot nor the other ads
crowd  what stands beside it: ads of its own category take clicks away, and so do attractive ones; nearer ones more

The position-based form is that of Richardson et al. 2007; the crowd makes it a law over slates, so that a slate's
value is not the sum of its ads' values. `bias` is solved so that config.base_ctr is the mean over random ads: turning
another dial changes who clicks what, not how much is clicked on the whole.
"""

from dataclasses import dataclass

import numpy as np

from adcascade.market.ads import Ads
from adcascade.market.arrays import Flags, Floats, Ints, Singles, sigmoid
from adcascade.market.config import MarketConfig
from adcascade.market.pairs import Pairing, Pairs, mood
from adcascade.market.scenarios import Scenarios
from adcascade.market.views import NONE, PageViews

_ORGANIC = 0.5  # weight of an organic item relative to an adjacent ad
_DEVICE = np.array([0.0, 1.0, -1.0])  # times device_strength: phone, desktop, tablet


@dataclass(frozen=True, slots=True)
class ClickModel:
    """True click probabilities; `bias` [S] comes from `calibrated_bias`."""

    config: MarketConfig
    seed: int
    scenarios: Scenarios
    ads: Ads
    pairing: Pairing
    bias: Floats

    def probability(self, views: PageViews, ads: Ints, creatives: Ints | None = None) -> Floats:
        """P(click) of each place of each slate, [N, K]; 0 where ads is -1. No creatives: each ad's first."""
        shown = ads >= 0
        appeal = self.ads.appeal[ads, 0 if creatives is None else creatives]
        pull = self._pull(views, self.pairing.of(views, ads), ads, appeal)
        crowd = self._slate_crowd(ads, shown, pull) + self._organic_crowd(views, self.ads.category[ads])
        seen = self.scenarios.examination()[views.scenario, : ads.shape[1]]
        return np.where(shown, seen * sigmoid(self.bias[views.scenario][:, None] + pull + crowd), 0.0)

    def alone(self, views: PageViews) -> Singles:
        """P(click) of every ad, were it alone in the first slot with its first creative, [N, A]."""
        every = np.arange(len(self.ads), dtype=np.int32)[None, :]
        pull = self._pull(views, self.pairing.of_all(views), every, self.ads.appeal[every, 0])
        crowd = self._organic_crowd(views, self.ads.category[every])
        return sigmoid(self.bias[views.scenario][:, None] + pull + crowd).astype(np.float32)

    def pull_of_all(self, views: PageViews) -> Floats:
        """Everything in the log-odds of the first slot but the bias, for all ads, [N, A]."""
        every = np.arange(len(self.ads), dtype=np.int32)[None, :]
        pull = self._pull(views, self.pairing.of_all(views), every, self.ads.appeal[every, 0])
        return np.asarray(pull + self._organic_crowd(views, self.ads.category[every]))

    def _pull(self, views: PageViews, pairs: Pairs, ads: Ints, appeal: Singles) -> Floats:
        """Log-odds of a click but for bias and crowd, [N, K]; `ads` may be [1, A]."""
        config, scenario = self.config, views.scenario[:, None]
        own = config.quality_strength * self.ads.quality[ads] + config.picture_strength * appeal
        view = config.device_strength * _DEVICE[views.device] + mood(config, self.seed, views)
        match = config.context_strength * pairs.context + config.query_strength * pairs.query
        return np.asarray(
            self.scenarios.interest[scenario] * (config.interest_strength * pairs.affinity)
            + self.scenarios.context[scenario] * match
            + self.scenarios.quality[scenario] * (own - config.price_strength * pairs.gap)
            + view[:, None]
        )

    def _slate_crowd(self, ads: Ints, shown: Flags, pull: Floats) -> Floats:
        """What the other ads of the slate do to each, [N, K]: weight 1 / distance."""
        k = ads.shape[1]
        distance = np.abs(np.arange(k)[:, None] - np.arange(k)[None, :])
        near = np.where(distance > 0, 1.0 / distance.clip(1), 0.0)  # [K, K]
        category = np.where(shown, self.ads.category[ads], NONE)
        crowd = np.zeros(ads.shape)
        attraction = np.where(shown, sigmoid(pull - 2.0), 0.0)
        for other in range(k):  # K passes over [N, K] instead of one over [N, K, K]
            same = (category == category[:, other, None]) & shown[:, other, None]
            crowd += near[other] * (same + attraction[:, other, None])
        return np.asarray(-self.config.neighbour_strength * crowd)

    def _organic_crowd(self, views: PageViews, category: Ints) -> Floats:
        """What the organic items do to ads of these categories, [N, K]; `category` may be [1, A]."""
        there = views.organic >= 0
        around = np.where(there, self.ads.category[views.organic], NONE)
        crowd = np.zeros((len(views), category.shape[1]))
        attraction = np.where(there, sigmoid(self.ads.quality[views.organic] - 2.0), 0.0).sum(axis=1)
        for item in around.T:
            crowd += item[:, None] == category
        share = _ORGANIC / max(1, around.shape[1])
        return np.asarray(-self.config.neighbour_strength * share * (crowd + attraction[:, None]))


def calibrated_bias(pull: Floats, target: Floats) -> Floats:
    """The bias of each of G groups at which the mean of sigmoid(bias + pull [G, n]) is `target` [G]; bisection."""
    low, high = np.full(len(pull), -30.0), np.full(len(pull), 30.0)
    for _ in range(50):
        middle = 0.5 * (low + high)
        over = sigmoid(middle[:, None] + pull).mean(axis=1) > target
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.asarray(0.5 * (low + high))
