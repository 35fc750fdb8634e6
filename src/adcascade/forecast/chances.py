"""Chances: where the draft's ad would be ranked, and with what P(click) and P(conversion).

An ad that was ranked is known: a campaign of the log meets its own pages again, with what was predicted for it there.

    own      auctions in which the campaign's ads were ranked, in hours in which it took part
    peers    else: ads like the draft's (of its categories, of its advertiser, or all). Where c of P of them were
             ranked, one like them is with P(ranked) = c / P, and its chances are those of one of the c

So a page for runners is met as often, and liked as much, as by other ads for runners. Of m ads the campaign shows the
best: it is ranked with 1 - (1 - c / P)^m, and stands at the quantile u^(1 / (m c / P)) of its peers. Chance is a
function of the request's id (`Traffic.chance`), so that two forecasts differ by what was changed alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit

from adcascade.catalog.words import parents
from adcascade.forecast.draft import Draft
from adcascade.forecast.traffic import Flags, Floats, Ints, Log, Places, Traffic

Basis = Literal["own", "category", "advertiser", "all"]
ENOUGH = 5  # auctions in which a campaign was ranked, by chance too: then it is known
NOT_RANKED = -1
NEAR = 2.0  # bids within this factor are alike
PEERS = 200  # ranked ads that make peers
HOUR_US = 3_600_000_000
MISSED = 5.0  # so many were expected in an hour, and none came: it did not take part
RANKED, QUANTILE, WHICH = 1, 2, 3  # salts of chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """What the draft brings to each auction. known: where it could have been, and is therefore told of."""

    ctr: Floats  # [A] first slot; NaN: it is not ranked there
    cvr: Floats  # [A]
    ad: Ints  # [A] which of the draft's showable ads
    bid: Floats  # [A] micros, of an ad that the draft no longer has; NaN: the draft tells it
    instead: Ints  # [A] the campaign in whose place it stands: its own, or that of the ad whose chances it has
    known: Flags  # [A]
    basis: Basis
    evidence: int  # auctions with such a chance


def chances_of(log: Log, draft: Draft, fits: Flags, fitted: Flags, row_of: Mapping[str, int]) -> Chances:
    """fits [A]: may be answered; fitted [A]: might have been, as the campaign was. row_of: the catalog's, by ad.

    Ads that went from the campaign are taken to be followed by others like them; those that were paused are not.
    """
    traffic = log.traffic
    count = max(1, len(draft.showable))
    drawn = (traffic.chance(WHICH) * count).astype(np.int64)
    own = own_of(traffic, own_rows(log, draft, row_of))
    ranked = (own >= 0) & fitted
    if np.count_nonzero(ranked) >= ENOUGH:
        known = fitted & present(traffic.time_us, fitted & ~traffic.explored, ranked) & fits
        at = np.where(ranked & fits, own, NOT_RANKED)
        place = {row_of.get(one.id, NOT_RANKED): number for number, one in enumerate(draft.showable)}
        rows = traffic.rows[traffic.row[at]].tolist() if len(traffic.row) else []
        ad = np.array([place.get(row, NOT_RANKED) for row in rows], np.int64)
        return _chances(log, at, np.where(ad < 0, drawn, ad), known, ad < 0, "own")
    peer, basis = peers_of(log, draft)
    at = np.full(len(traffic), NOT_RANKED, np.int64)
    population = max(1, int(np.count_nonzero(peer)))
    draws = (traffic.chance(RANKED), traffic.chance(QUANTILE))
    _like((traffic.start, traffic.ctr, peer[traffic.row]), draws, (population, count), at)
    at[~fits | traffic.explored] = NOT_RANKED
    return _chances(log, at, drawn, fits & ~traffic.explored, np.zeros(len(at), np.bool_), basis)


def own_rows(log: Log, draft: Draft, row_of: Mapping[str, int]) -> Flags:
    """Which rows of the traffic were the campaign's, [R], but for ads that are paused now."""
    paused = [row_of.get(ad.id, NOT_RANKED) for ad in draft.ads if ad.status == "paused"]
    places = log.places
    own: Flags = (places.campaign == places.number(draft.campaign.id)) & ~np.isin(log.traffic.rows, paused)
    return own


def _chances(  # noqa: PLR0917  columns of the same auctions
    log: Log, at: Ints, ad: Ints, known: Flags, gone: Flags, basis: Basis
) -> Chances:
    """Those of the ranked ads `at` [A]."""
    traffic, places = log
    there = at >= 0
    ctr, cvr, bid = np.full((3, len(at)), np.nan)
    ctr[there], cvr[there] = traffic.ctr[at[there]], traffic.cvr[at[there]]
    bid[there & gone] = traffic.bid[traffic.row[at[there & gone]]]
    instead = np.full(len(at), NOT_RANKED, np.int64)
    instead[there] = places.campaign[traffic.row[at[there]]]
    evidence = int(np.count_nonzero(there))
    return Chances(
        ctr=ctr, cvr=cvr, ad=ad, bid=bid, instead=instead, known=known, basis=basis, evidence=evidence
    )  # fmt: skip


def own_of(traffic: Traffic, rows: Flags) -> Ints:
    """The ranked ad of each auction that is of these rows [R], the one that won or the first; NOT_RANKED: none; [A]."""
    found = np.full(len(traffic), NOT_RANKED, np.int64)
    _first(traffic.start, rows[traffic.row], traffic.won, found)
    return found


def present(time_us: Ints, fitted: Flags, ranked: Flags) -> Flags:
    """Whether the campaign took part in the hour of each auction: not where many pages fitted and none ranked it."""
    hour = time_us // HOUR_US
    hour = hour - hour.min(initial=0)
    fit, seen = (np.bincount(hour, which, hour.max(initial=0) + 1) for which in (fitted, ranked))
    rate = seen.sum() / max(fit.sum(), 1.0)
    there: Flags = ((seen > 0) | (fit * rate < MISSED))[hour]
    return there


def peers_of(log: Log, draft: Draft) -> tuple[Flags, Basis]:
    """Which rows of the traffic are like the draft's ads, [R]: paid for alike, of their categories or of those above,
    of the advertiser, or all; where enough were ranked. Of these the ones with a like bid, where they are enough."""
    traffic, places = log
    by_click = draft.campaign.billing == "click"
    other = (places.campaign != places.number(draft.campaign.id)) & (places.per_click == by_click)
    ranked = np.bincount(traffic.row, minlength=len(other))
    bid = float(np.median([draft.bid_of(ad) for ad in draft.showable] or [0]))
    near = (traffic.bid * NEAR >= bid) & (traffic.bid <= bid * NEAR)
    for peer, basis in _groups(draft, places, other):
        if ranked[peer].sum() >= PEERS:
            return (peer & near if ranked[peer & near].sum() >= PEERS else peer), basis
    return other, "all"


def _groups(draft: Draft, places: Places, other: Flags) -> Iterator[tuple[Flags, Basis]]:
    """From the closest to all."""
    paths = {ad.category for ad in draft.showable if ad.category}
    for level in range(max((path.count("/") + 1 for path in paths), default=0), 0, -1):
        wanted = {parents(path)[:level][-1] for path in paths}
        like = np.array([not wanted.isdisjoint(parents(one)) for one in places.categories], np.bool_)
        yield other & like[places.category], "category"
    mine = np.array([*(one == draft.campaign.advertiser for one in places.advertisers), False], np.bool_)
    yield other & mine[places.campaign], "advertiser"
    yield other, "all"


@njit(cache=True)
def _first(start: Ints, own: Flags, won: Ints, found: Ints) -> None:
    """The one that won, else the first."""
    for a in range(len(start) - 1):
        for i in range(start[a], start[a + 1]):
            if own[i] and (found[a] < 0 or won[i] >= 0):
                found[a] = i


@njit(cache=True)
def _like(ads: tuple[Ints, Floats, Flags], draws: tuple[Floats, Floats], sizes: tuple[int, int], at: Ints) -> None:
    """The ranked ad whose chances the draft has in each auction, -1 where it is not ranked."""
    start, ctr, peer = ads
    population, count = sizes
    for a in range(len(start) - 1):
        here = 0
        for i in range(start[a], start[a + 1]):
            here += peer[i] and not np.isnan(ctr[i])
        share = min(1.0, here / population)
        if here == 0 or draws[0][a] >= 1.0 - (1.0 - share) ** count:
            continue
        places, values = np.empty(here, np.int64), np.empty(here)
        n = 0
        for i in range(start[a], start[a + 1]):
            if peer[i] and not np.isnan(ctr[i]):
                places[n], values[n] = i, ctr[i]
                n += 1
        best = draws[1][a] ** (1.0 / max(1.0, count * share))
        at[a] = places[np.argsort(values)[min(here - 1, int(best * here))]]
