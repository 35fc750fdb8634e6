"""What shoppers do with slates, and what they would have done with others.

Outcomes are coupled: the luck of an impression is a function of (seed, view, ad, slot) alone. Two policies that show
the same ad in the same slot of the same view, beside the same neighbours, see the same outcome; and the outcome of an
ad that was not shown is there to be asked for.
"""

from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Flags, Floats, Ints, Longs
from adcascade.market.clicks import ClickModel
from adcascade.market.conversions import ConversionModel
from adcascade.market.streams import Purpose, uniform_of
from adcascade.market.views import PageViews

NEVER = -1  # a time that does not come
_MEAN_DWELL_US = 6_000_000.0  # from view to click


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """Everything that comes of N slates of K places; where no ad is shown: False, NEVER, 0."""

    clicks: Flags  # [N, K]
    click_time_us: Longs  # [N, K] NEVER without a click
    conversions: Flags  # [N, K] only after clicks
    conversion_time_us: Longs  # [N, K] NEVER without a conversion; may be days later
    value_micros: Longs  # [N, K] what the shopper pays; 0 without a conversion
    would_convert: Flags  # [N, K] the potential outcome: had it been clicked, it would have converted
    click_probability: Floats  # [N, K]
    conversion_probability: Floats  # [N, K] given a click


@dataclass(frozen=True, slots=True)
class ResponseModel:
    """Draws the outcomes of slates."""

    seed: int
    clicks: ClickModel
    conversions: ConversionModel

    def respond(self, views: PageViews, ads: Ints, creatives: Ints | None = None) -> Responses:
        """What each view's shopper does with its slate [N, K]."""
        p_click = self.clicks.probability(views, ads, creatives)
        p_conversion = self.conversions.probability(views, ads)
        where = (views.view[:, None], ads, np.arange(ads.shape[1])[None, :])
        clicks = uniform_of(self.seed, Purpose.CLICK, *where) < p_click
        would_convert = uniform_of(self.seed, Purpose.CONVERSION, *where) < p_conversion
        dwell = -_MEAN_DWELL_US * np.log1p(-uniform_of(self.seed, Purpose.CLICK_TIME, *where))
        click_time = views.time_us[:, None] + 500_000 + dwell.astype(np.int64)
        conversions = clicks & would_convert
        conversion_time, value = self._afterwards(views, ads, conversions, click_time)
        return Responses(
            clicks=clicks,
            click_time_us=np.where(clicks, click_time, NEVER),
            conversions=conversions,
            conversion_time_us=conversion_time,
            value_micros=value,
            would_convert=would_convert,
            click_probability=p_click,
            conversion_probability=p_conversion,
        )

    def _afterwards(self, views: PageViews, ads: Ints, happened: Flags, click_time: Longs) -> tuple[Longs, Longs]:
        """Times and values of the conversions that happened, [N, K] each; computed for those alone, being few."""
        time, value = np.full(ads.shape, NEVER, np.int64), np.zeros(ads.shape, np.int64)
        row, slot = np.nonzero(happened)
        view, ad = views.view[row], ads[row, slot]
        delay = self.conversions.drawn_delay_us(view, ad, slot)
        time[row, slot] = click_time[row, slot] + delay.astype(np.int64)
        value[row, slot] = self.conversions.basket_micros(view, ad, slot)
        return time, value
