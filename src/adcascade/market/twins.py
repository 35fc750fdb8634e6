"""Twins: how shoppers take an ad that the market did not draw, such as one that a person made in the console.

The market knows the true appeal of its own ads only. A stranger is taken for the ad of the market that it looks like
most: of its category, else of its department, else of any, the one whose price is nearest. Its words, pictures and
quality are then the twin's; what it bids, costs and targets stays its own, since the server decides about these.
"""

import numpy as np

from adcascade.catalog.nouns import Ad
from adcascade.market.arrays import Flags
from adcascade.market.market import Market


class Twins:
    """Numbers of ads in a market, strangers included."""

    def __init__(self, market: Market) -> None:
        self._own = market.ad_index
        self._category, self._paths = market.ads.category, market.tree.paths
        self._log_price = np.log(market.ads.price_micros)

    def of(self, ad: Ad) -> int:
        """The ad's own number where the market drew it, else its twin's."""
        own = self._own.get(ad.id)
        if own is not None:
            return own
        rows = np.flatnonzero(self._like(ad.category))
        if not ad.price_micros:
            return int(rows[0])
        return int(rows[np.abs(self._log_price[rows] - np.log(ad.price_micros)).argmin()])

    def _like(self, path: str) -> Flags:
        """Ads of this category [A]; of its department where it has none, of all where that has none either."""
        department = path.split("/", maxsplit=1)[0]
        for leaves in (
            [number for number, leaf in enumerate(self._paths) if leaf == path],
            [number for number, leaf in enumerate(self._paths) if leaf.startswith(department + "/")],
        ):
            alike = np.isin(self._category, leaves)
            if alike.any():
                return alike
        return np.ones(len(self._category), np.bool_)
