"""Replay: the logged pages sold once more with the draft among the bidders, at one bid.

    value(a, k) = bid_a * 1000 * (ctr_a * factor_k  where clicks are paid, else 1)         micros per thousand
    slot(a)     = the first k with value(a, k) > bar(a, k)
    price(a)    = the least bid that would have kept the slot, as the auction's rule says

An ad in a slot is seen as often as ads are (Traffic.seen), and clicked with ctr_a * factor_k. A user's views are
counted against the campaign's caps, in order of time. What others would do if the draft were there is not foreseen:
they bid what they bid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from adcascade.catalog.nouns import FrequencyCap
from adcascade.forecast.bars import Pages
from adcascade.forecast.chances import Chances
from adcascade.forecast.traffic import NOBODY, Flags, Floats, Ints, Traffic

NO_SLOT = -1
SEEN = 4  # salt of chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The N auctions that the draft takes part in, in order of time."""

    at: Ints  # [N] number of the auction
    time_us: Ints  # [N]
    user: Ints  # [N]
    seen: Flags  # [N] whether the ad would be looked at, if it were there
    ctr: Floats  # [N] first slot
    cvr: Floats  # [N]
    ad: Ints  # [N] which of the draft's ads
    bid: Floats  # [N] micros, where another than the draft tells it; else NaN
    bar: Floats  # [N, K] what it must be worth, infinite behind the last slot
    factor: Floats  # [K]
    per_click: bool
    caps: tuple[FrequencyCap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of it, [N] each; expected values, but for `shown`."""

    slot: Ints  # NO_SLOT: not won
    shown: Flags  # an impression
    clicks: Floats
    conversions: Floats
    spend: Floats  # micros
    capped: int  # impressions that a cap took


def entries_of(
    traffic: Traffic, pages: Pages, chances: Chances, *, per_click: bool, caps: Sequence[FrequencyCap] = ()
) -> Entries:
    """Where the draft is ranked, and known to be."""
    at = np.flatnonzero(chances.known & ~np.isnan(chances.ctr))
    bar = pages.bar[at]
    missing = max(0, bar.shape[1] - len(traffic.factor))
    return Entries(
        at=at,
        time_us=traffic.time_us[at],
        user=traffic.user[at],
        seen=traffic.chance(SEEN)[at] < traffic.seen,
        ctr=chances.ctr[at],
        cvr=np.nan_to_num(chances.cvr[at]),
        ad=chances.ad[at],
        bid=chances.bid[at],
        bar=bar,
        factor=np.append(traffic.factor, np.repeat(traffic.factor[-1:], missing))[: bar.shape[1]],
        per_click=per_click,
        caps=tuple(caps),
    )


def replay(entries: Entries, bid: Floats, rule: str = "gsp") -> Replayed:
    """The auctions once more at these bids, [N] micros per billing event."""
    slot = won(entries, bid)
    shown = (slot >= 0) & entries.seen
    wanted = int(shown.sum())
    if entries.caps:
        within_caps(entries, shown)
    clicks = np.where(shown, entries.ctr * entries.factor[slot], 0.0)
    price = prices(entries, bid, slot, rule)
    return Replayed(
        slot=slot,
        shown=shown,
        clicks=clicks,
        conversions=clicks * entries.cvr,
        spend=price * (clicks if entries.per_click else shown),
        capped=wanted - int(shown.sum()),
    )


def won(entries: Entries, bid: Floats) -> Ints:
    """The slot that each auction gives to the bid, NO_SLOT: none; [N]."""
    slot = np.full(len(bid), NO_SLOT, np.int64)
    _won(entries.bar, (bid, entries.ctr), (entries.factor, entries.per_click), slot)
    return slot


def prices(entries: Entries, bid: Floats, slot: Ints, rule: str = "gsp") -> Floats:
    """Micros per billing event of the auctions that were won, [N]; 0 where none was."""
    price = np.zeros(len(slot))
    there = np.flatnonzero(slot >= 0)
    if rule == "first_price":
        price[there] = bid[there]
        return price
    k = slot[there]
    needed = (taken(entries) if rule == "vcg" else entries.bar)[there, k]
    worth = 1000.0 * (entries.ctr[there] * entries.factor[k] if entries.per_click else 1.0)
    price[there] = np.minimum(np.ceil(np.round(needed / worth, 6)), bid[there])
    return price


def taken(entries: Entries) -> Floats:
    """What a winner takes from those below it, [N, K]: each of them moves a slot down (VCG of separable clicks)."""
    there = np.isfinite(entries.bar)
    bar = np.where(there, entries.bar, 0.0)
    ratio = np.append(entries.factor[1:] / np.maximum(entries.factor[:-1], 1e-9), 0.0)
    below = np.append(there[:, 1:], np.zeros((len(bar), 1), np.bool_), axis=1)  # whether there is a slot below
    lost = bar * (1.0 - np.where(below, ratio, 0.0))
    return np.asarray(np.cumsum(lost[:, ::-1], axis=1)[:, ::-1])


def within_caps(entries: Entries, shown: Flags) -> None:
    """Take out, in place, what would pass a cap; nothing is shown to somebody without a key."""
    limits = np.array(
        [(cap.impressions, cap.window_s * 1_000_000, cap.level in {"advertiser", "campaign"}) for cap in entries.caps],
        np.int64,
    )
    users, user = np.unique(entries.user, return_inverse=True)
    of_ad = len(users) * (1 + entries.ad) + user
    last = np.full((int(of_ad.max(initial=0)) + 1, int(limits[:, 0].max())), -(2**62), np.int64)  # rings of times
    count = np.zeros(len(last), np.int64)
    shown &= entries.user != NOBODY
    _within((entries.time_us, user, of_ad), limits, (last, count), shown)


@njit(cache=True)
def _won(bar: Floats, told: tuple[Floats, Floats], sale: tuple[Floats, bool], slot: Ints) -> None:
    bid, ctr = told
    factor, per_click = sale
    for a in range(len(bar)):
        for k in range(bar.shape[1]):
            value = bid[a] * 1000.0 * (ctr[a] * factor[k] if per_click else 1.0)
            if value > bar[a, k]:
                slot[a] = k
                break


@njit(cache=True)
def _within(told: tuple[Ints, Ints, Ints], limits: Ints, rings: tuple[Ints, Ints], shown: Flags) -> None:
    """limits: impressions, microseconds, whether all ads count. rings: the last times of a user, and of each ad."""
    time_us, user, of_ad = told
    last, count = rings
    size = last.shape[1]
    for a in range(len(time_us)):
        for c in range(len(limits)):
            ring = user[a] if limits[c, 2] else of_ad[a]
            before = count[ring] - limits[c, 0]
            if shown[a] and before >= 0 and time_us[a] - last[ring, before % size] < limits[c, 1]:
                shown[a] = False
        if shown[a]:
            for ring in (user[a], of_ad[a]):
                last[ring, count[ring] % size] = time_us[a]
                count[ring] += 1
