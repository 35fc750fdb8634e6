"""Market: the simulated world with known truth, against which every bias can be measured."""

import numpy as np

from adcascade.contracts.request import AdRequest
from adcascade.errors import InputError
from adcascade.market.ads import MOST_CREATIVES, Ads, draw_ads
from adcascade.market.arrays import Bytes, Flags, Floats, Ints, Singles, sigmoid
from adcascade.market.categories import CategoryTree, category_tree
from adcascade.market.clicks import ClickModel, calibrated_bias
from adcascade.market.config import MarketConfig
from adcascade.market.conversions import ConversionModel, category_pace
from adcascade.market.economy import Economy, draw_economy
from adcascade.market.nouns import CatalogChanges, CatalogState, RequestWriter, ad_nouns, advertisers, campaigns
from adcascade.market.pairs import Pairing
from adcascade.market.responses import ResponseModel, Responses
from adcascade.market.scenarios import Scenarios, scenarios
from adcascade.market.shoppers import Shoppers
from adcascade.market.slates import best_slates, uniform_slates
from adcascade.market.views import PageViews, Traffic

_SAMPLE = 40  # views per scenario by which the biases are solved


class Market:
    """A world that is a pure function of (config, seed). Letters of shapes stand in arrays.py."""

    def __init__(self, config: MarketConfig | None = None, seed: int = 0) -> None:
        self.config = config = MarketConfig() if config is None else config
        if seed < 0:
            raise InputError("seed", seed, "a whole number from 0 upward")
        self.seed = seed
        self.tree: CategoryTree = category_tree(seed)
        self.scenarios: Scenarios = scenarios(config, seed)
        self.ads: Ads = draw_ads(config, seed, self.tree)
        self.shoppers = Shoppers(config, seed, self.tree)
        self._traffic = Traffic(config, seed, self.tree, self.scenarios, self.shoppers, self.ads)
        self._calibrate()
        self._responses = ResponseModel(seed, self.clicks, self.conversions)
        self._writer = RequestWriter(config, self.tree, self.scenarios, self.shoppers)
        self._advertisers = advertisers(config)
        self._campaigns = campaigns(config, self.tree, self.scenarios, self.ads, self.economy)
        self._ads = ad_nouns(config, self.tree, self.ads, self.economy)
        self.ad_index: dict[str, int] = {ad.id: i for i, ad in enumerate(self._ads)}
        self.bid_micros = self.economy.bid_micros  # [A] per billing event of the campaign
        self.value_per_click_micros = self.economy.value_per_click_micros  # [A]

    def _calibrate(self) -> None:
        """Solve the biases on a sample of views, then draw the money that fits the ads' true means."""
        config, sample = self.config, self._traffic.sample(_SAMPLE)
        pairing, count = Pairing(self.tree, self.ads, self.shoppers), len(self.scenarios.names)
        no_bias = np.zeros(count)
        pull = ClickModel(config, self.seed, self.scenarios, self.ads, pairing, no_bias).pull_of_all(sample)
        level = self.scenarios.level / (self.scenarios.level @ self.scenarios.traffic)
        bias = calibrated_bias(pull.reshape(count, -1), (config.base_ctr * level).clip(max=0.4))
        self.clicks = ClickModel(config, self.seed, self.scenarios, self.ads, pairing, bias)
        pace = category_pace(self.seed, len(self.tree))
        weight = self.scenarios.traffic[sample.scenario] / _SAMPLE  # [N] makes the sample speak for the traffic
        pull_cvr = ConversionModel(config, self.seed, self.ads, pairing, pace, 0.0).pull_of_all(sample)
        bias_cvr = float(calibrated_bias(pull_cvr.reshape(1, -1), np.array([config.base_cvr]))[0])
        self.conversions = ConversionModel(config, self.seed, self.ads, pairing, pace, bias_cvr)
        p_click = sigmoid(pull + bias[sample.scenario][:, None])
        clicked = weight @ p_click  # [A]
        cvr = (weight @ (p_click * sigmoid(pull_cvr + bias_cvr))) / clicked
        world = (self.tree, self.scenarios, self.ads)
        self.economy: Economy = draw_economy(config, self.seed, world, clicked, cvr)

    # --- the catalog

    def alive(self, tick: int) -> Flags:
        """Which ads live at this tick, [A]."""
        return self.ads.alive(tick)

    def catalog(self, tick: int) -> CatalogState:
        """The nouns alive at this tick: ads, and the campaigns and advertisers that have one."""
        alive = self.alive(tick)
        return CatalogState(
            advertisers=[self._advertisers[i] for i in np.unique(self.ads.advertiser[alive])],
            campaigns=[self._campaigns[i] for i in np.unique(self.ads.campaign[alive])],
            ads=[self._ads[i] for i in np.flatnonzero(alive)],
        )

    def catalog_changes(self, tick: int) -> CatalogChanges:
        """What differs between the catalog of the tick before and that of this tick."""
        before, now = self.catalog(tick - 1), self.catalog(tick)
        advertiser, campaign, ad = (
            ({noun.id for noun in getattr(before, kind)}, {noun.id for noun in getattr(now, kind)})
            for kind in ("advertisers", "campaigns", "ads")
        )
        return CatalogChanges(
            advertisers=[noun for noun in now.advertisers if noun.id not in advertiser[0]],
            campaigns=[noun for noun in now.campaigns if noun.id not in campaign[0]],
            ads=[noun for noun in now.ads if noun.id not in ad[0]],
            removed_ads=sorted(ad[0] - ad[1]),
            removed_campaigns=sorted(campaign[0] - campaign[1]),
            removed_advertisers=sorted(advertiser[0] - advertiser[1]),
        )

    def picture(self, ad: int, creative: int = 0) -> Bytes:
        """Pixels of a creative, uint8 [8, 8, 3]."""
        if not 0 <= creative < MOST_CREATIVES:
            raise InputError("creative", creative, f"0 to {MOST_CREATIVES - 1}")
        return np.asarray(self.ads.picture[ad, creative], np.uint8)

    # --- the traffic

    def views(self, tick: int) -> PageViews:
        """The page views of one tick, in order of time."""
        if tick < 0:
            raise InputError("tick", tick, "a whole number from 0 upward")
        return self._traffic.views(tick)

    def requests(self, views: PageViews) -> list[AdRequest]:
        """The views as requests, [N]."""
        return self._writer.requests(views)

    # --- the truth

    def first_slot_ctr(self, views: PageViews) -> Singles:
        """True P(click) of every ad alone in the first slot, first creative, [N, A]; slice `views` to save memory."""
        return self.clicks.alone(views)

    def click_probability(self, views: PageViews, ads: Ints, creatives: Ints | None = None) -> Floats:
        """True P(click) of slates [N, K], 0 where ads is -1; creatives [N, K], or each ad's first."""
        return self.clicks.probability(views, _slates(views, ads), creatives)

    def conversion_probability(self, views: PageViews, ads: Ints) -> Floats:
        """True P(conversion | click) of slates [N, K], 0 where ads is -1."""
        return self.conversions.probability(views, _slates(views, ads))

    def respond(self, views: PageViews, ads: Ints, creatives: Ints | None = None) -> Responses:
        """What the shoppers do with slates [N, K]."""
        return self._responses.respond(views, _slates(views, ads), creatives)

    def eligible(self, views: PageViews) -> Flags:
        """Which ads are alive and targeted at each view, [N, A]; budgets are not looked at."""
        allowed = self.economy.targets.allow(views)[:, self.ads.campaign]
        for tick in np.unique(views.tick):
            allowed[views.tick == tick] &= self.alive(int(tick))
        return allowed

    # --- welfare and slates to compare with

    def welfare_micros(self, ads: Ints, clicks: Flags | Floats) -> float:
        """What clicks on slates are worth to the advertisers; clicks [N, K] may be outcomes or probabilities."""
        return float((np.where(ads >= 0, self.value_per_click_micros[ads], 0) * clicks).sum())

    def uniform_slates(self, views: PageViews, tick: int) -> tuple[Ints, Floats]:
        """The uniform-exposure slice: random living ads [N, K] and their propensities [N, K]."""
        return uniform_slates(self.seed, views, self.alive(tick), tick)

    def oracle_slates(self, views: PageViews, weight: Floats | None = None) -> Ints:
        """Slates [N, K] of the eligible ads with the highest true first-slot CTR, times `weight` [A] if given."""
        score = self.first_slot_ctr(views)
        return best_slates(views, score if weight is None else score * weight[None, :], self.eligible(views))


def _slates(views: PageViews, ads: Ints) -> Ints:
    """`ads` as int32 [N, K], or InputError."""
    if ads.ndim != 2 or len(ads) != len(views):
        raise InputError("ads", ads.shape, f"a table [{len(views)}, K]: one row a view, -1 for an empty place")
    return ads.astype(np.int32, copy=False)
