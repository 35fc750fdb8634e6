"""What follows a click: whether the shopper buys, when, and for how much.

    P(conversion | click) = sigmoid(bias + strength * (interest + charm - price gap - price + country))

The delay is a mixture of "at once" (exponential, minutes) and "sleeps over it" (Weibull with a long tail, a day): dear
things are slept over more often and longer, and each category has its own pace. (Delayed feedback as in Chapelle 2014,
with a law that depends on the features.)
"""

from dataclasses import dataclass

import numpy as np

from adcascade.market.ads import Ads
from adcascade.market.arrays import Floats, Ints, Longs, sigmoid
from adcascade.market.config import MarketConfig
from adcascade.market.pairs import Pairing, Pairs
from adcascade.market.streams import Purpose, stream, uniform_of
from adcascade.market.views import PageViews

_COUNTRY = np.array([0.0, 0.2, -0.1, 0.1, -0.25])
_QUICK_HOURS = 0.4  # mean of the exponential
_SLOW_HOURS, _SLOW_SHAPE = 22.0, 0.8  # scale and shape of the Weibull
_HOUR_US = 3_600_000_000.0


@dataclass(frozen=True, slots=True)
class ConversionModel:
    """True conversion probabilities, delays and baskets."""

    config: MarketConfig
    seed: int
    ads: Ads
    pairing: Pairing
    pace: Floats  # [C] log scale of the slow part by category
    bias: float

    def probability(self, views: PageViews, ads: Ints) -> Floats:
        """P(conversion | click) of each place, [N, K]; 0 where ads is -1."""
        logit = self._pull(views, self.pairing.of(views, ads), ads)
        return np.where(ads >= 0, sigmoid(self.bias + logit), 0.0)

    def pull_of_all(self, views: PageViews) -> Floats:
        """The log-odds but for the bias, for all ads, [N, A]."""
        every = np.arange(len(self.ads), dtype=np.int32)[None, :]
        return self._pull(views, self.pairing.of_all(views), every)

    def _pull(self, views: PageViews, pairs: Pairs, ads: Ints) -> Floats:
        """Log-odds but for the bias, [N, K]; `ads` may be [1, A]."""
        own = 0.6 * self.ads.charm[ads] - 0.3 * self.ads.price_level[ads]
        pull = 1.5 * pairs.affinity + own - 0.08 * pairs.gap + _COUNTRY[views.country][:, None]
        return np.asarray(self.config.conversion_strength * pull, np.float64)

    def quick_share(self, ads: Ints) -> Floats:
        """P(the shopper buys at once | buys), of ads of any shape."""
        return sigmoid(0.6 - 0.7 * self.config.delay_spread * self.ads.price_level[ads])

    def slow_scale_hours(self, ads: Ints) -> Floats:
        """Scale of the Weibull, hours, of ads of any shape."""
        spread = self.config.delay_spread * (0.4 * self.ads.price_level[ads] + self.pace[self.ads.category[ads]])
        return np.asarray(self.config.delay * _SLOW_HOURS * np.exp(spread))

    def delay_cdf(self, ads: Ints, hours: float) -> Floats:
        """P(at most so many hours from click to conversion | conversion), of ads of any shape."""
        if self.config.delay == 0:
            return np.ones(ads.shape)
        quick = 1 - np.exp(-hours / (self.config.delay * _QUICK_HOURS))
        slow = 1 - np.exp(-((hours / self.slow_scale_hours(ads)) ** _SLOW_SHAPE))
        share = self.quick_share(ads)
        return np.asarray(share * quick + (1 - share) * slow)

    def delay_us(self, kind: Floats, length: Floats, ads: Ints) -> Floats:
        """Microseconds from click to conversion, given uniform numbers `kind` and `length`, all of one shape."""
        waits = -np.log1p(-length)  # exponential with mean 1
        quick = self.config.delay * _QUICK_HOURS * waits
        slow = self.slow_scale_hours(ads) * waits ** (1 / _SLOW_SHAPE)
        return np.where(kind < self.quick_share(ads), quick, slow) * _HOUR_US

    def drawn_delay_us(self, view: Longs, ads: Ints, slot: Longs) -> Floats:
        """The delay that these impressions would have, a function of (seed, view, ad, slot)."""
        kind = uniform_of(self.seed, Purpose.DELAY_KIND, view, ads, slot)
        length = uniform_of(self.seed, Purpose.DELAY_LENGTH, view, ads, slot)
        return self.delay_us(kind, length, ads)

    def basket_micros(self, view: Longs, ads: Ints, slot: Longs) -> Floats:
        """What the shopper would pay: the price once, sometimes twice or three times."""
        luck = uniform_of(self.seed, Purpose.BASKET, view, ads, slot)
        pieces = 1 + (luck > 0.8).astype(np.int64) + (luck > 0.95)
        return np.asarray(self.ads.price_micros[ads] * pieces)


def category_pace(seed: int, categories: int) -> Floats:
    """How much slower or faster than others each category is, log scale, [C]."""
    return 0.4 * stream(seed, Purpose.CATEGORIES, 1).standard_normal(categories)
