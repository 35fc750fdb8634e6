"""The rules that the study of blending compares, on the simulated pages of market/pages.py.

A rule sees the clicks that somebody predicts for all slates, chooses by them and prices by them; what it earns is
measured by the true clicks. Money is in micros inside and in units of the bid's mean outside.

Letters in shapes: R requests, M ads, S slates, K slots, O organic items.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.blending import Longs, SlateLot, VirtualBids, vcg_slates
from adcascade.auction.slates import exhaustive
from adcascade.contracts.ecpm import BILLION
from adcascade.market.arrays import sigmoid
from adcascade.market.pages import BlendedPages

Floats = NDArray[np.float64]
UNIT = 1_000_000  # micros


class Clicks(NamedTuple):
    """P(click) of the ads [R, S, K], 0 where none stands, and of the organic items [R, S, O] of all pages."""

    ads: Floats
    organic: Floats


@dataclass(frozen=True, slots=True)
class Sold:
    """What a rule chose and charged."""

    slate: Longs  # [R]
    price: Floats  # [R, K] per click; 0 where no ad stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """R requests, the slates to choose among and the truth about them."""

    pages: BlendedPages
    slates: Longs  # [S, K]
    truth: Clicks

    @classmethod
    def of(cls, pages: BlendedPages, *, full: bool = False) -> "Bench":
        """All slates, or only those that fill every slot."""
        slates = exhaustive(pages.config.ads, len(pages.config.slope))
        slates = slates[(slates >= 0).all(axis=1)] if full else slates
        return cls(pages=pages, slates=slates, truth=Clicks(*pages.clicks(slates)))

    def take(self, rows: NDArray[np.integer]) -> "Bench":
        """Some of the requests."""
        truth = Clicks(self.truth.ads[rows], self.truth.organic[rows])
        return Bench(pages=self.pages.take(rows), slates=self.slates, truth=truth)

    def lot(self, clicks: Clicks, bid: Floats | None = None) -> SlateLot:
        """What is for sale by these clicks; bid [R, M] instead of the true ones."""
        micros = np.round((self.pages.bid if bid is None else bid) * UNIT).astype(np.int64)
        return SlateLot(
            slates=self.slates,
            clicks=parts(clicks.ads),
            organic=parts(clicks.organic),
            bid=micros,
            per_click=np.ones(micros.shape, np.bool_),
            floor=np.zeros(self.slates.shape[1], np.int64),
        )

    def measure(self, sold: Sold) -> dict[str, float]:
        """Means per request by the true clicks: welfare, revenue, clicks, and how many winners paid above their bid."""
        row = np.arange(len(self.pages))
        chosen, p = self.slates[sold.slate], self.truth.ads[row, sold.slate]  # [R, K]
        bid = np.where(chosen >= 0, self.pages.bid[row[:, None], chosen], 0.0)
        micros = np.round(bid * UNIT)
        return {
            "welfare": float((bid * p).sum(axis=1).mean()),
            "revenue": float((sold.price * p).sum(axis=1).mean()),
            "ad_clicks": float(p.sum(axis=1).mean()),
            "organic_clicks": float(self.truth.organic[row, sold.slate].sum(axis=1).mean()),
            "above_bid": float((np.round(sold.price * UNIT) > micros).sum()),
        }


def parts(p: Floats) -> Longs:
    """Probabilities in parts per billion."""
    return (p * BILLION).astype(np.int64)


def vcg(bench: Bench, clicks: Clicks, *, ads: float = 0.0, organic: float = 0.0, reserve: float = 0.0) -> Sold:
    """VCG with virtual bids; reserve: lowest price per click, at most the bid."""
    virtual = VirtualBids(ads=round(ads * UNIT), organic=round(organic * UNIT))
    award = vcg_slates(bench.lot(clicks), virtual)
    chosen = bench.slates[award.slate]
    bid = bench.pages.bid[np.arange(len(chosen))[:, None], chosen]
    price = np.maximum(award.price / UNIT, np.minimum(reserve, bid))
    return Sold(award.slate, np.where(chosen >= 0, price, 0.0))


def unfloored(bench: Bench, organic: float) -> float:
    """Revenue per page of VCG by the true clicks at a vb_org, were negative payments paid out."""
    lot, virtual = bench.lot(bench.truth), VirtualBids(organic=round(organic * UNIT))
    values = lot.values()
    worth = lot.worth(virtual, values)
    best, row = worth.argmax(axis=1), np.arange(len(worth))
    paid = np.zeros(len(worth))
    for ad in range(lot.bid.shape[1]):
        stands = lot.slates == ad  # [S, K]
        own = (values[row, best] * stands[best]).sum(axis=1)
        due = worth[:, ~stands.any(axis=1)].max(axis=1) - (worth[row, best] - own)
        paid += np.where(stands[best].any(axis=1), due, 0)
    return float(paid.mean() / (1_000 * UNIT))


def gsp(bench: Bench, *, power: float = 1.0) -> Sold:
    """Slots by bid * ctr^power of each ad alone; each pays the least bid that would have kept its slot."""
    k = bench.slates.shape[1]
    ctr = sigmoid(bench.pages.ad_pull) ** power
    order = np.argsort(-bench.pages.bid * ctr, axis=1)[:, : k + 1]  # [R, K + 1]
    score = np.take_along_axis(bench.pages.bid * ctr, order, axis=1)
    price = score[:, 1:] / np.take_along_axis(ctr, order[:, :k], axis=1)
    slate = (bench.slates == order[:, None, :k]).all(axis=2).argmax(axis=1)
    return Sold(slate, price)


def separable(bench: Bench, pull: Floats) -> Clicks:
    """Clicks of ads whose log-odds alone are `pull` [R, M], were there no neighbours: position is all that counts."""
    logit = pull[:, bench.slates] + np.array(bench.pages.config.slope)
    return Clicks(np.where(bench.slates >= 0, sigmoid(logit), 0.0), bench.truth.organic[:, :, :0])


def mean_clicks(bench: Bench) -> Clicks:
    """The best that a separable rule could know: each ad's true mean clicks in each slot over all slates."""
    ads = np.zeros_like(bench.truth.ads)
    for k in range(bench.slates.shape[1]):
        for ad in range(bench.pages.config.ads):
            there = bench.slates[:, k] == ad
            ads[:, there, k] = bench.truth.ads[:, there, k].mean(axis=1, keepdims=True)
    return Clicks(ads, bench.truth.organic[:, :, :0])


def misreport(bench: Bench, factors: Floats, *, ads: float = 0.0) -> float:
    """The most that any single bidder gains by bidding a factor times its value, per page, in units of money."""
    best, honest = 0.0, _utilities(bench, None, ads)
    for ad in range(bench.pages.config.ads):
        for factor in factors.tolist():
            bid = bench.pages.bid.copy()
            bid[:, ad] *= factor
            best = max(best, float((_utilities(bench, bid, ads)[:, ad] - honest[:, ad]).max()))
    return best


def _utilities(bench: Bench, bid: Floats | None, ads: float) -> Floats:
    """What each ad's value less its price comes to, [R, M], where `bid` is said and the pages' own bid is true."""
    award = vcg_slates(bench.lot(bench.truth, bid), VirtualBids(ads=round(ads * UNIT)))
    row = np.arange(len(bench.pages))
    chosen, p = bench.slates[award.slate], bench.truth.ads[row, award.slate]
    utility = np.zeros(bench.pages.bid.shape)
    for k in range(chosen.shape[1]):
        won = chosen[:, k] >= 0
        ad = chosen[won, k]
        value = np.round(bench.pages.bid[won, ad] * UNIT) - award.price[won, k]
        utility[row[won], ad] = value / UNIT * p[won, k]
    return utility
