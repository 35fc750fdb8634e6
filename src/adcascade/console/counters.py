"""Counters: one look at the numbers that /metrics tells, as the console's charts need them.

Everything comes from the server's registry and the engine's readings; nothing is counted anew. What is told per second
or per thousand is the difference of two looks.
"""

from collections.abc import Iterable
from math import inf
from typing import Literal, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry

from adcascade.cascade.readings import AUCTIONS, BOOKED, BUDGET, CHARGED, FILLED, PACING, SPENT, WIN_RATE, Reading

STAGES = "adcascade_stage_seconds"
EVENTS = "adcascade_events"
AD_ROUTES = ("/openrtb2/bid", "/v2/auctions")
HTTP = "adcascade_http_requests"


class Timing(NamedTuple):
    """A histogram of times. buckets: (upper bound in seconds, how many took at most so long)."""

    calls: float
    seconds: float
    buckets: tuple[tuple[float, float], ...]


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """At one moment. Counts are since the process began; money in micros."""

    time_us: int
    requests: float = 0.0  # to the routes that answer with ads
    auctions: float = 0.0
    ads: float = 0.0
    impressions: float = 0.0
    clicks: float = 0.0
    conversions: float = 0.0  # bought items that name the bid which led to them
    charged: float = 0.0
    spent: float = 0.0  # today, by campaigns whose budget is spread
    due: float = 0.0  # by their plan
    budget: float = 0.0
    booked: float = 0.0  # charged today, by all processes and for all campaigns
    win_rate: float | None = None  # mean over scenarios; None: none was answered for an hour
    stages: dict[str, Timing] = {}


def counters_of(registry: CollectorRegistry, readings: Iterable[Reading], time_us: int) -> Counters:
    """Read them now."""
    told: dict[str, float] = {}
    wins: list[float] = []
    for metric, _, value in readings:
        if metric is WIN_RATE:
            wins.append(value)
        else:
            told[metric.name] = told.get(metric.name, 0.0) + value
    requests, events, stages = _shell(registry)
    spent, budget = told.get(SPENT.name, 0.0), told.get(BUDGET.name, 0.0)
    return Counters(
        time_us=time_us,
        requests=requests,
        auctions=told.get(AUCTIONS.name, 0.0),
        ads=told.get(FILLED.name, 0.0),
        impressions=events.get("impression", 0.0),
        clicks=events.get("click", 0.0),
        conversions=events.get("purchase", 0.0),
        charged=told.get(CHARGED.name, 0.0),
        spent=spent,
        due=spent - told.get(PACING.name, 0.0) * budget,
        budget=budget,
        booked=told.get(BOOKED.name, 0.0),
        win_rate=sum(wins) / len(wins) if wins else None,
        stages=stages,
    )


def _shell(registry: CollectorRegistry) -> tuple[float, dict[str, float], dict[str, Timing]]:
    """Requests for ads, events that were taken by kind, and the time of each stage."""
    requests, events = 0.0, dict[str, float]()
    counts, sums, buckets = dict[str, float](), dict[str, float](), dict[str, list[tuple[float, float]]]()
    for family in registry.collect():
        for sample in family.samples:
            labels = sample.labels
            if sample.name == f"{HTTP}_total" and labels["route"] in AD_ROUTES:
                requests += sample.value
            elif sample.name == f"{EVENTS}_total" and labels["status"] == "accepted":
                events[labels["kind"]] = events.get(labels["kind"], 0.0) + sample.value
            elif sample.name == f"{STAGES}_bucket":
                buckets.setdefault(labels["stage"], []).append((float(labels["le"]), sample.value))
            elif sample.name == f"{STAGES}_count":
                counts[labels["stage"]] = sample.value
            elif sample.name == f"{STAGES}_sum":
                sums[labels["stage"]] = sample.value
    stages = {name: Timing(counts[name], sums[name], tuple(sorted(buckets[name]))) for name in counts}
    return requests, events, stages


class Quantile(NamedTuple):
    """A time in seconds. beyond: the buckets only tell that it lies "below" the first bound, or "above" the last."""

    seconds: float
    beyond: Literal["", "below", "above"] = ""


def quantile(before: Timing | None, after: Timing, share: float) -> Quantile | None:
    """The time that this share of the calls between two looks took at most; None: there was no call.

    Within a bucket calls are taken as spread evenly.
    """
    calls = after.calls - (0.0 if before is None else before.calls)
    if calls <= 0:
        return None
    earlier = {} if before is None else dict(before.buckets)
    low, below = 0.0, 0.0
    for bound, count in after.buckets:
        within = count - earlier.get(bound, 0.0)
        if within >= share * calls:
            if bound == inf:
                return Quantile(low, "above")
            if not low:
                return Quantile(bound, "below")
            return Quantile(low + (bound - low) * (share * calls - below) / (within - below))
        low, below = bound, within
    return Quantile(low, "above")
