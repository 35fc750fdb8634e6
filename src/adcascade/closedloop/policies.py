"""What the cascade is measured beside: policies without models, and one that knows the truth.

    random       draws one ad more than there are slots, uniformly from the eligible; knows no probabilities
    popularity   gives every ad its smoothed click rate in the log, whoever asks, wherever
    oracle       gives every ad its true click probability, were it alone in the first slot

All three meet the same eligibility rules, bids, auction rule, reserve, slot factors and budgets as the cascade: they
differ from it in what they know. A policy's chosen ads are sold by the cascade's own auction with the policy's
probabilities. Budgets are kept as loosely as can be without overspending: a campaign that has money left may win,
and is never charged more than what is left (the cascade must reserve a price for every ad that it shows).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.auction import AuctionStage
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.closedloop.shown import Shown, Slates, shown_of
from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity
from adcascade.contracts.ecpm import ecpm_of
from adcascade.market.clock import TICKS_PER_DAY
from adcascade.market.market import Market
from adcascade.market.scenarios import MOST_SLOTS
from adcascade.market.views import PageViews

CHUNK = 256  # page views whose probabilities of all ads are held at once
ENTRANTS = 200  # ads that enter an auction, the best by eCPM: far more than there are slots
Chooser = Callable[[PageViews, NDArray[np.bool_]], NDArray[np.floating]]  # views [N], eligible [N, A] -> ctr [N, A]


def uniform_chooser(market: Market, seed: int, extra: int = 1) -> Chooser:
    """Random: slots + `extra` eligible ads have the market's base rate, the others none (NaN)."""

    def choose(views: PageViews, eligible: NDArray[np.bool_]) -> NDArray[np.floating]:
        random = np.random.default_rng([seed, int(views.view[0])])
        luck = np.where(eligible, random.random(eligible.shape), -1.0)
        known = np.full(luck.shape, np.nan, np.float32)
        for row, slots in enumerate(views.slots):
            drawn = np.argpartition(-luck[row], min(int(slots) + extra, eligible.shape[1] - 1))[: int(slots) + extra]
            known[row, drawn] = market.config.base_ctr
        return known

    return choose


def popularity_chooser(clicks: NDArray[np.float64], impressions: NDArray[np.float64]) -> Chooser:
    """Popularity: the click rate of each ad in the log, [A] each, shrunk to the mean as if by five more clicks."""
    mean = clicks.sum() / max(impressions.sum(), 1.0)
    strength = 5.0 / max(mean, 1e-6)  # five clicks' worth of impressions
    rate = ((clicks + strength * mean) / (impressions + strength)).astype(np.float32)

    def choose(views: PageViews, eligible: NDArray[np.bool_]) -> NDArray[np.floating]:  # noqa: ARG001  all alike
        return np.broadcast_to(rate, eligible.shape)

    return choose


def oracle_chooser(market: Market) -> Chooser:
    """Oracle: the true first-slot probability of every ad."""

    def choose(views: PageViews, eligible: NDArray[np.bool_]) -> NDArray[np.floating]:  # noqa: ARG001  it knows all
        return market.first_slot_ctr(views)

    return choose


@dataclass(frozen=True, slots=True)
class MarketSellers:
    """The market's ads as the auction reads a catalog: a row is the market's number of the ad."""

    campaign: NDArray[np.int32]  # [A]
    billing_click: NDArray[np.bool_]  # [A]
    ads: Sequence[Ad | None]  # nothing of them is asked where there is one winner per campaign
    campaigns: Sequence[Campaign] = ()  # nor of these, where all slots are alike
    advertiser: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    advertisers: Sequence[Advertiser] = ()

    @classmethod
    def of(cls, market: Market) -> Self:
        """All ads that ever live."""
        campaign = market.ads.campaign.astype(np.int32)
        return cls(campaign, ~market.economy.per_impression[campaign], ())


@dataclass(slots=True)
class PolicyDrive:
    """The market's page views answered by a policy; the same shoppers, luck, auction and bids as in `Drive`."""

    market: Market
    auction: AuctionStage  # over MarketSellers
    choose: Chooser
    _left: dict[tuple[int, int], int] = field(default_factory=dict)  # (campaign, day) -> micros

    def run(self, ticks: Iterable[int]) -> Shown:
        """All page views of these ticks."""
        return Shown.concatenate([self.tick(tick, self.market.views(tick)) for tick in ticks])

    def tick(self, tick: int, views: PageViews) -> Shown:
        """One tick; campaigns whose day's budget is spent at its beginning take no part."""
        market, day = self.market, tick // TICKS_PER_DAY
        slates = Slates.empty(len(views), MOST_SLOTS)
        campaigns = range(market.config.campaigns)
        funded = np.array([self._money(campaign, day) > 0 for campaign in campaigns], np.bool_)
        requests = market.requests(views)
        for start in range(0, len(views), CHUNK):
            part = views.take(slice(start, start + CHUNK))
            eligible = market.eligible(part) & funded[market.ads.campaign][None, :]
            known = self.choose(part, eligible)
            for offset in range(len(part)):
                row = start + offset
                self._sell(slates, row, requests[row], np.where(eligible[offset], known[offset], np.nan))
        responses = market.respond(views, slates.ad)
        self._charge(slates, responses.clicks, day)
        return shown_of(market, views, slates, responses)

    def _sell(self, slates: Slates, row: int, request: AdRequest, ctr: NDArray[np.floating]) -> None:
        """Hold the auction over the ads with a probability, the best by eCPM, and note the winners."""
        ads = np.flatnonzero(~np.isnan(ctr)).astype(np.int32)
        known, bid = ctr[ads].astype(np.float32), self.market.bid_micros[ads]
        ecpm = ecpm_of(known, bid, self.auction.catalog.billing_click[ads])
        best = np.argsort(-ecpm, kind="stable")[:ENTRANTS]
        candidates = Candidates.of(ads[best]).with_(ctr=known[best], bid=bid[best], ecpm=ecpm[best])
        winners = self.auction(_opportunity(request), candidates)
        factors = self.auction.factors(len(request.slots))
        for i in range(len(winners)):
            at = (row, int(winners.slot[i]))
            slates.ad[at] = winners.ad[i]
            slates.predicted[at] = float(winners.ctr[i]) * float(factors[winners.slot[i]])
            slates.price[at] = winners.price[i]
            slates.per_click[at] = self.auction.catalog.billing_click[winners.ad[i]]

    def _money(self, campaign: int, day: int) -> int:
        budget = int(self.market.economy.daily_budget_micros[campaign])
        return self._left.get((campaign, day), budget)

    def _charge(self, slates: Slates, clicks: NDArray[np.bool_], day: int) -> None:
        """Charge clicks and impressions in order, never beyond what a campaign has left of its day."""
        shown = slates.ad >= 0
        billed = shown & (clicks | ~self.auction.catalog.billing_click[slates.ad])
        for row, place in zip(*np.nonzero(billed), strict=True):
            campaign = int(self.market.ads.campaign[slates.ad[row, place]])
            left = self._money(campaign, day)
            charged = min(int(slates.price[row, place]), left)
            self._left[(campaign, day)] = left - charged
            slates.charged[row, place] = charged


def _opportunity(request: AdRequest) -> Opportunity:
    """The auction reads the request alone."""
    none = np.zeros((1, 0))
    features = Batch(
        ids=none.astype(np.int64),
        dense=none.astype(np.float32),
        history=np.zeros((1, 0, 0), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.zeros(1, np.int64),
    )
    return Opportunity(request=request, seen={}, features=features, random=np.random.default_rng(0))
