"""Draft: a campaign as it stands or as somebody thinks of it, and the requests of the log that it may answer.

Whether a request fits is asked of the rules of serving (catalog/eligibility.py), once for each of the different
requests that the campaign's targeting tells apart. The log does not keep regions, cities, audience segments and the
products of a page, nor slots and deals: what is targeted by those cannot be judged and is taken to fit.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from adcascade.catalog.eligibility import Standing, why_not
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Creative, Targeting
from adcascade.catalog.offers import first_bid
from adcascade.catalog.week import Week, week_of
from adcascade.contracts.request import AdRequest, Slot
from adcascade.forecast.traffic import NOBODY, TEXTS, Flags, Ints, Texts, Traffic

UNJUDGED = ("regions", "cities", "segments", "negative_segments", "products")  # fields of Targeting
READ = {  # fields of Targeting -> the text of a request that they read
    "scenarios": "scenario", "devices": "device", "countries": "country", "categories": "category",
    "blocked_categories": "category", "keywords": "query", "negative_keywords": "query",
}  # fmt: skip
CLOSED = "not at this time of the week"
UNKNOWN_USER = "nobody is known, whose views a cap could count"
NOMINAL = Ad(id="", campaign="")  # stands for ads that are still to come
SHOWN = Creative(id="")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign, its ads, who pays. ads: empty, as if it had one. before: as it was while the log was written."""

    campaign: Campaign
    advertiser: Advertiser
    ads: tuple[Ad, ...] = ()
    groups: tuple[AdGroup, ...] = ()
    before: Campaign | None = None
    raised: float = 1.0  # all bids times this: "what if it bid half as much"

    def bid_of(self, ad: Ad) -> int:
        """The ad's own bid, its group's, or the campaign's, micros."""
        if ad.bid_micros is not None:
            return ad.bid_micros
        group = next((group for group in self.groups if group.id == ad.ad_group), None)
        return first_bid(self.campaign) if group is None or group.bid_micros is None else group.bid_micros

    @property
    def showable(self) -> tuple[Ad, ...]:
        """The ads that could be shown: active, in an active group, in stock."""
        off = {group.id for group in self.groups if group.status != "active"}
        told = self.ads or (NOMINAL,)
        return tuple(ad for ad in told if ad.status == "active" and ad.stock != 0 and ad.ad_group not in off)


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests may be answered, [A], and why not the others, most frequent first, in auctions of the sample."""

    fits: Flags
    reasons: tuple[tuple[str, int], ...]


def fit_of(draft: Draft, campaign: Campaign, traffic: Traffic) -> Fit:
    """The requests that one of the draft's ads may answer under this campaign's terms."""
    groups = {group.id: group for group in draft.groups}
    chosen = {ad.ad_group: groups.get(ad.ad_group) for ad in draft.showable}
    fits, first = np.zeros(len(traffic), np.bool_), np.zeros(0, np.str_)
    for group in chosen.values():
        reason = _reasons(campaign, group, draft.advertiser, traffic)
        fits |= reason == ""
        first = reason if not len(first) else first
    if not chosen:
        first = np.full(len(traffic), "no ad that could be shown")
    if campaign.caps:
        first = np.where(fits & (traffic.user == NOBODY), UNKNOWN_USER, first)
        fits &= traffic.user != NOBODY
    return Fit(fits=fits, reasons=tuple(Counter(first[~fits].tolist()).most_common()))


def unjudged(draft: Draft) -> tuple[str, ...]:
    """The fields of targeting that the log cannot judge and the draft uses."""
    told = [draft.campaign.targeting, *(group.targeting for group in draft.groups)]
    return tuple(name for name in UNJUDGED if any(getattr(targeting, name) for targeting in told))


def _reasons(campaign: Campaign, group: AdGroup | None, advertiser: Advertiser, traffic: Traffic) -> Texts:
    """For each auction the first rule that keeps the group's ads out, "" where they may answer."""
    whole = [campaign.targeting] + ([] if group is None else [group.targeting])
    read = {text for targeting in whole for name, text in READ.items() if getattr(targeting, name)}
    columns = [traffic.texts[name] if name in read else np.zeros(len(traffic), "U1") for name in TEXTS]
    number, kinds = _kinds(columns)
    standing = Standing(
        ad=msgspec.structs.replace(NOMINAL, ad_group="" if group is None else group.id, creatives=(SHOWN,)),
        group=None
        if group is None
        else msgspec.structs.replace(group, status="active", targeting=_judged(group.targeting)),
        campaign=msgspec.structs.replace(
            campaign, status="active", start_us=0, end_us=None, deals=(), targeting=_judged(campaign.targeting)
        ),
        advertiser=advertiser,
        now_us=0,
        funded=True,
    )
    told = [why_not(standing, _request(kind)) or "" for kind in kinds]
    reason = np.array(told, np.str_)[number] if told else np.zeros(0, np.str_)
    for targeting in whole:
        if targeting.times:
            closed = ~_open(week_of(targeting.times, advertiser.timezone), traffic.time_us)
            reason = np.where(closed & (reason == ""), CLOSED, reason)
    return reason


def _judged(targeting: Targeting) -> Targeting:
    """Without what the log cannot judge or is judged elsewhere."""
    return msgspec.structs.replace(targeting, times=(), **dict.fromkeys(UNJUDGED, ()))


def _kinds(columns: Sequence[Texts]) -> tuple[Ints, list[tuple[str, ...]]]:
    """A number for each auction, and the texts that it stands for."""
    numbers: dict[tuple[str, ...], int] = {}
    told = zip(*(column.tolist() for column in columns), strict=True)
    number = np.array([numbers.setdefault(one, len(numbers)) for one in told], np.int64)
    return number, list(numbers)


def _request(kind: tuple[str, ...]) -> AdRequest:
    """What the texts say, with a slot that takes the stand-in's creative."""
    scenario, device, country, category, query = kind
    slots = (Slot(id="", format=SHOWN.format),)
    return AdRequest(
        id="", time_us=0, slots=slots, scenario=scenario, device=device, country=country, category=category, query=query
    )


def _open(week: Week, time_us: Ints) -> Flags:
    """Whether the week is open at each of the rising times."""
    opened, at = np.zeros(len(time_us), np.bool_), 0
    while at < len(time_us):
        is_open, _, until = week.window(int(time_us[at]))
        behind = max(at + 1, int(np.searchsorted(time_us, until)))
        opened[at:behind] = is_open
        at = behind
    return opened
