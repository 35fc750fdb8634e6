"""The market: a simulated world with known truth, which knows nothing of the engine that serves it."""

from adcascade.market.config import MarketConfig
from adcascade.market.market import Market
from adcascade.market.nouns import CatalogChanges, CatalogState
from adcascade.market.responses import Responses
from adcascade.market.views import PageViews

__all__ = ["CatalogChanges", "CatalogState", "Market", "MarketConfig", "PageViews", "Responses"]
