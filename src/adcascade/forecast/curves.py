"""Curves: a day's figure with its range, and what other bids and other budgets would bring."""

import msgspec
import numpy as np

from adcascade.catalog.nouns import Campaign
from adcascade.catalog.offers import first_bid
from adcascade.forecast.budget import BELOW, STEPS, Day, spent
from adcascade.forecast.draft import Draft
from adcascade.forecast.traffic import Floats

ABOVE = 6  # rungs of the bid curve above the bid, and as many below: from a quarter of it to four times
HERE = BELOW + ABOVE  # the rung of the bid that was told
LADDER = 2.0 ** (np.arange(-HERE, ABOVE + 1) / STEPS)  # what a bid is multiplied by, rung by rung
RANGE_Z = 1.2816  # eight of ten days lie within the range, if days differ as the log's do
UNLIKE = 0.25  # a day differs from others by so much at least
HALF_LIFE = 2.0  # days; the newest tell most of tomorrow
PARTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)  # budgets of the curve, in what would be spent


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """A day's figure, and between what eight of ten days lie."""

    low: float
    middle: float
    high: float


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A day at another bid or another budget. micros: the bid, or the budget."""

    micros: int
    impressions: float
    clicks: float
    conversions: float
    spend_micros: float


def recent(days: int) -> Floats:
    """What each day's figures count for, the newest first, [D] of sum 1."""
    weights = 0.5 ** (np.arange(days) / HALF_LIFE)
    return np.asarray(weights / weights.sum())


def day_of(table: Floats, rung: int, campaign: Campaign, budget: int | None = None) -> Day:
    """A day at a rung, within the campaign's budget or another."""
    limit = campaign.daily_budget_micros if budget is None else budget
    return spent(table, rung, limit, even=campaign.pacing == "even")


def band_of(figures: Floats, unit: float, most: int | None = None) -> Band:
    """Of a day's figure on some days [D]. unit: what one event adds to it, whose number chance decides (Poisson)."""
    middle = float(recent(len(figures)) @ figures)
    spread = max(UNLIKE * middle, float(figures.std(ddof=1)) if len(figures) > 1 else 0.0)
    off = RANGE_Z * float(np.sqrt(spread**2 + unit * (middle + unit)))
    high = middle + off
    return Band(low=max(0.0, middle - off), middle=middle, high=high if most is None else min(high, float(most)))


def bid_points(table: Floats, draft: Draft) -> list[Point]:
    """From a quarter of the bid to four times, within the budget."""
    campaign = draft.campaign
    told = draft.raised * (first_bid(campaign) if campaign.target_micros is None else campaign.target_micros)
    rungs = range(BELOW, len(table))
    return [_point(table, rung, campaign, round(told * 2 ** ((rung - HERE) / STEPS)), None) for rung in rungs]


def budget_points(table: Floats, campaign: Campaign, wanted: float) -> list[Point]:
    """Some budgets up to a little more than what would be spent without."""
    if not wanted:
        return []
    return [_point(table, HERE, campaign, round(part * wanted), round(part * wanted)) for part in PARTS]


def _point(table: Floats, rung: int, campaign: Campaign, micros: int, budget: int | None) -> Point:
    days = [day_of(table[:, d], rung, campaign, budget).figures for d in range(table.shape[1])]
    impressions, clicks, conversions, spend = (recent(len(days)) @ np.array(days)).tolist()
    return Point(
        micros=micros, impressions=impressions, clicks=clicks, conversions=conversions, spend_micros=spend
    )  # fmt: skip
