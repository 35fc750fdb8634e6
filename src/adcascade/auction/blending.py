"""Blending by virtual bids: the page of the highest worth, and VCG prices for what its ads take from the others.

    W(s) = Σ_{i in s} value_i(s) + vb_ads Σ_{i in s} pctr_i(s) + vb_org Σ_{j organic} pctr_j(s),    s* = argmax W(s)
    P_i  = max_{s without i} W(s) - ( W(s*) - value_i(s*) )                                          due from winner i

value_i(s) is bid_i pctr_i(s) for an ad billed per click and bid_i for one billed per impression. The virtual bids are
what the house itself would give for a click on an ad and for a click on an organic item: a bidder that never pays.
Carrion et al., "Blending advertising with organic content in e-commerce: a virtual bids optimization approach"
(arXiv 2105.13556, 2021); VCG: Vickrey (1961), Clarke (1971), Groves (1973).

Everything is int64: micros per thousand pages, probabilities in parts per billion (contracts/ecpm.py). max W without i
is at most W(s*), so P_i <= value_i(s*) exactly, and `least_bid` turns P_i into a price that never exceeds the bid.
Nothing is asked of a click model again: winners are priced by masking the slates of the one matrix.

Two bounds stand beside the formula. A winner must be worth the floor of its slot and pays at least that (a large
vb_ads makes P_i negative: the house would pay advertisers to be there). Where the floor is what is paid, a bidder may
gain by misreporting; a reserve that keeps the truth is a negative vb_ads.

Letters in shapes: R requests, N ads, S slates, K slots, O organic items.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.slates import NONE, Places
from adcascade.contracts.ecpm import THOUSAND, least_bid, share_of

Longs = NDArray[np.int64]
NEVER = -(2**62)  # the worth of a slate that may not be chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualBids:
    """What the house gives for a click, micros; negative ones make ads pay for being there."""

    ads: int = 0
    organic: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlateLot:
    """R requests for sale over the same S slates, with the click of everything on every page.

    The worth of a page is a sum of at most K + O terms bid * 1000 and must stay below 2^62: bids up to 10^14 micros.
    The slate without ads must be among them.
    """

    slates: Places  # [S, K] which ad stands where
    clicks: Longs  # [R, S, K] P(click of the ad in that slot on that page), parts per billion
    organic: Longs  # [R, S, O] P(click of the organic item on that page), parts per billion
    bid: Longs  # [R, N] micros per billing event
    per_click: NDArray[np.bool_]  # [R, N]
    floor: Longs  # [K] lowest eCPM at which a slot is sold, micros; [S, K] where each ad has its own

    def values(self) -> Longs:
        """What each ad gives for its place on each page: micros per thousand pages, [R, S, K]; 0 where none stands."""
        there = self.slates >= 0  # [S, K]
        ad = np.where(there, self.slates, 0)
        amount = self.bid[:, ad] * THOUSAND  # [R, S, K]
        value = np.where(self.per_click[:, ad], share_of(amount, self.clicks), amount)
        return np.where(there, value, 0)

    def worth(self, virtual: VirtualBids, values: Longs) -> Longs:
        """W of every page [R, S]; NEVER where an ad does not reach the floor of its slot."""
        empty = self.slates == NONE
        clicks = np.where(empty, 0, self.clicks)
        worth = values.sum(axis=2) + _given(virtual.ads, clicks) + _given(virtual.organic, self.organic)
        good = (values >= np.maximum(self.floor, 1)) | empty  # [R, S, K]
        return np.where(good.all(axis=2), worth, NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlateAward:
    """What R requests show and what it costs. Slots of the chosen slate; 0 where a slot is empty."""

    slate: Longs  # [R] place in the lot's slates
    due: Longs  # [R, K] micros per thousand pages
    price: Longs  # [R, K] micros per billing event, at most the bid


def vcg_slates(lot: SlateLot, virtual: VirtualBids) -> SlateAward:
    """The page of the highest worth (the first of equal ones) of each request, and its prices."""
    values = lot.values()
    worth = lot.worth(virtual, values)
    best = worth.argmax(axis=1)  # [R]
    row = np.arange(len(best))
    ad, value = lot.slates[best], values[row, best]  # [R, K]
    without = _best_without(lot, worth)  # [R, N]
    filled = ad >= 0
    rest = worth[row, best][:, None] - value
    floor = lot.floor if lot.floor.ndim == 1 else lot.floor[best]
    due = np.maximum(without[row[:, None], ad] - rest, np.maximum(floor, 1))
    due = np.where(filled, due, 0)
    parts = np.where(filled, lot.clicks[row, best], 1)
    price = least_bid(due, parts, lot.per_click[row[:, None], ad] & filled)
    return SlateAward(slate=best, due=due, price=price)


def _best_without(lot: SlateLot, worth: Longs) -> Longs:
    """max W(s) over the slates in which ad n does not stand: [R, S] -> [R, N]."""
    n = lot.bid.shape[1]
    columns = [worth[:, (lot.slates != one).all(axis=1)].max(axis=1) for one in range(n)]
    return np.stack(columns, axis=1) if columns else np.empty((len(worth), 0), np.int64)


def _given(bid: int, clicks: Longs) -> Longs:
    """What the house gives for clicks [R, S, any]: micros per thousand pages, [R, S]."""
    amount = np.full(1, abs(bid) * THOUSAND, np.int64)
    return np.asarray((1 if bid >= 0 else -1) * share_of(amount, clicks).sum(axis=2))
