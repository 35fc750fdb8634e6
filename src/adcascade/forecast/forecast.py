"""Forecast: what a campaign would reach, get and spend in a day, were the coming days like those of the log.

    requests -> fit the targeting -> ranked -> won at the bid -> seen -> clicked -> paid, within caps and budget

A pure function of the traffic of the log, the draft and the rules of the auction. What it does not know: how others
will answer the draft, days unlike those of the log, and what the log does not keep (draft.py, traffic.py). Of a sample
(weight above 1) caps are counted within the sample, where they bind less than they would.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from adcascade.bidding.goals import goal_bids
from adcascade.catalog.nouns import Campaign
from adcascade.catalog.offers import UNKNOWN, margin_limits
from adcascade.errors import InputError
from adcascade.forecast.bars import Rules, pages_of
from adcascade.forecast.budget import CLICKS, CONVERSIONS, IMPRESSIONS, SPEND, STEPS
from adcascade.forecast.chances import Basis, Chances, chances_of
from adcascade.forecast.curves import HERE, LADDER, Band, Point, band_of, bid_points, budget_points, day_of, recent
from adcascade.forecast.draft import Draft, Fit, fit_of, unjudged
from adcascade.forecast.reach import reach_of
from adcascade.forecast.replay import Entries, Replayed, entries_of, replay
from adcascade.forecast.traffic import NOBODY, Flags, Floats, Ints, Log, Traffic

Binds = Literal["targeting", "traffic", "bid", "budget", "cap"]
CAPPED = 0.2  # a cap that takes more of the impressions binds
GROWS = 1.1  # twice the bid that brings more impressions than this: it is the bid that binds
NO_LIMIT = 2**52  # micros; as whole numbers of a float64 they are exact
ENOUGH = 0.1  # a day of which less is known than this is no measure of a day


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Figures are of a day of 24 hours unless they say otherwise."""

    requests: float  # seen in the log
    fitting: float  # that the campaign may answer
    nobody: float  # share of the fitting requests whose user is not known
    reach: float  # users who see an ad within `days`
    impressions: Band
    clicks: Band
    spend_micros: Band
    conversions: float
    wanted_micros: float  # what it would spend without a daily budget
    binds: Binds
    runs_dry: float | None  # share of the day after which the budget is gone; None: it is not
    lasts_days: float | None  # until the total budget is gone; None: there is none, or nothing is spent
    bids: tuple[Point, ...]
    budgets: tuple[Point, ...]
    days: int  # of the log
    since_us: int
    until_us: int
    auctions: int  # of the log that were replayed
    weight: float  # for how many each of them stands
    basis: Basis
    evidence: int  # ranked ads of the log that the chances of a click rest on
    unjudged: tuple[str, ...]  # targeting that the log does not keep, taken to fit
    reasons: tuple[tuple[str, int], ...]  # why requests do not fit, auctions of the sample


def forecast(log: Log, draft: Draft, row_of: Mapping[str, int], rules: Rules) -> Forecast:
    """row_of: the catalog's rows of the draft's ads, by id, those that are in it.

    InputError for a campaign of private deals: the log does not keep who offered them.
    """
    if draft.campaign.deals:
        raise InputError("deals", draft.campaign.deals, "a campaign of the open market", "the log keeps no deals")
    traffic = log.traffic
    fit = fit_of(draft, draft.campaign, traffic)
    fitted = fit.fits if draft.before is None else fit_of(draft, draft.before, traffic).fits
    chances = chances_of(log, draft, fit.fits, fitted, row_of)
    pages = pages_of(log, rules, chances.instead)
    per_click = draft.campaign.billing == "click"
    entries = entries_of(traffic, pages, chances, per_click=per_click, caps=draft.campaign.caps)
    bid, most = told_bids(draft, entries)
    runs = [replay(entries, np.floor(np.minimum(bid * step, most)), rules.rule) for step in LADDER]
    table = table_of(traffic, entries.at, runs, fit.fits, chances.known)
    return _told(traffic, draft, table, (entries, runs), fit, chances)


def told_bids(draft: Draft, entries: Entries) -> tuple[Floats, Floats]:
    """What the draft bids in each auction before it is paced, and the most that its margin allows: [N] each, micros."""
    campaign, ads = draft.campaign, draft.showable
    n, nothing = len(entries.at), np.full(len(entries.at), UNKNOWN, np.int64)
    own = np.array([draft.bid_of(ad) for ad in ads], np.int64)
    margin = np.array([UNKNOWN if ad.margin_micros is None else ad.margin_micros for ad in ads], np.int64)
    target = np.full(n, UNKNOWN if campaign.target_micros is None else campaign.target_micros, np.int64)
    per_click = np.full(n, entries.per_click, np.bool_)
    ctr, cvr = entries.ctr.astype(np.float32), entries.cvr.astype(np.float32)
    first = np.where(np.isnan(entries.bid), own[entries.ad], np.nan_to_num(entries.bid)).astype(np.int64)
    told = goal_bids(first, target, nothing, per_click, ctr, cvr)
    limit = margin_limits(margin, campaign.margin_share)[entries.ad]
    most = goal_bids(np.full(n, NO_LIMIT, np.int64), nothing, limit, per_click, ctr, cvr)
    return draft.raised * told.astype(np.float64), most.astype(np.float64)


def table_of(traffic: Traffic, at: Ints, runs: Sequence[Replayed], fits: Flags, known: Flags) -> Floats:
    """Each day's figures at each rung: [rungs, days, 4], a day of 24 hours of all fitting requests.

    What is known of a part of a day's requests is taken to hold for all; days of which too little is known are left
    out, where there are others.
    """
    day, days = traffic.day(), traffic.days
    all_fit, told = np.bincount(day[fits], minlength=days), np.bincount(day[known & fits], minlength=days)
    measured = told >= ENOUGH * np.maximum(all_fit, 1)
    measured = measured if measured.any() else told >= 0
    scale = traffic.scale * np.where(told > 0, all_fit / np.maximum(told, 1), 1.0)
    figures = [
        [
            np.bincount(day[at], weights=column, minlength=days) * scale
            for column in (run.shown, run.clicks, run.conversions, run.spend)
        ]
        for run in runs
    ]
    table = np.array(figures).transpose(0, 2, 1)[:, measured]  # [rungs, days, 4]
    return np.asarray(np.maximum.accumulate(table, axis=0))


def _told(  # noqa: PLR0917  what the figures are made of
    traffic: Traffic,
    draft: Draft,
    table: Floats,
    played: tuple[Entries, Sequence[Replayed]],
    fit: Fit,
    chances: Chances,
) -> Forecast:
    (entries, runs), fits = played, fit.fits
    campaign = draft.campaign
    days = [day_of(table[:, d], HERE, campaign) for d in range(table.shape[1])]
    figures = np.array([day.figures for day in days])  # [days, 4]
    weights = recent(table.shape[1])
    middle, wanted = weights @ figures, float(weights @ table[HERE, :, SPEND])
    share = float(weights @ [day.share for day in days])
    run = runs[round(float(weights @ [day.rung for day in days]))]
    total = campaign.total_budget_micros
    return Forecast(
        requests=len(traffic) * traffic.scale / traffic.days,
        fitting=int(fits.sum()) * traffic.scale / traffic.days,
        nobody=float(np.mean(traffic.user[fits] == NOBODY)) if fits.any() else 0.0,
        reach=reach_of(traffic, entries.user[run.shown], float(middle[IMPRESSIONS])),
        impressions=band_of(figures[:, IMPRESSIONS], 1.0),
        clicks=band_of(figures[:, CLICKS], 1.0),
        spend_micros=band_of(figures[:, SPEND], _unit(campaign, middle), campaign.daily_budget_micros),
        conversions=float(middle[CONVERSIONS]),
        wanted_micros=wanted,
        binds=binds_of(campaign, np.einsum("d,rdf->rf", weights, table), runs[HERE], bool(fits.any())),
        runs_dry=share if share < 1.0 else None,
        lasts_days=None if total is None or not middle[SPEND] else total / float(middle[SPEND]),
        bids=tuple(bid_points(table, draft)),
        budgets=tuple(budget_points(table, campaign, wanted)),
        days=table.shape[1],
        since_us=traffic.since_us,
        until_us=traffic.until_us,
        auctions=len(traffic),
        weight=traffic.weight,
        basis=chances.basis,
        evidence=chances.evidence,
        unjudged=unjudged(draft),
        reasons=fit.reasons,
    )


def _unit(campaign: Campaign, figures: Floats) -> float:
    """What one billing event costs, micros."""
    events = figures[CLICKS if campaign.billing == "click" else IMPRESSIONS]
    return float(figures[SPEND] / events) if events else 0.0


def binds_of(campaign: Campaign, table: Floats, run: Replayed, fits: bool) -> Binds:  # noqa: FBT001  one fact of four
    """What stands in the way of more, by the mean day's table [rungs, 4]."""
    if not fits:
        return "targeting"
    budget = campaign.daily_budget_micros
    if budget is not None and table[HERE, SPEND] > budget:
        return "budget"
    shown = int(run.shown.sum())
    if run.capped > CAPPED * (shown + run.capped):
        return "cap"
    if not shown or table[HERE + STEPS, IMPRESSIONS] > GROWS * table[HERE, IMPRESSIONS]:
        return "bid"
    return "traffic"
