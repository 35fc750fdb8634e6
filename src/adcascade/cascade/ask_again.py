"""Ask again: requests of the log in which an ad was not ranked are sent through the running engine, following the ad.

Each is a rehearsal (`Answering.rehearse`: nothing is charged, promised, logged or counted) of the engine and the
catalog as they are now, with the features that were seen then, hour of the day and history included. Rules of time
(start, end, parts of the week) are judged at the time of the request by `Snapshot.why_not`, which moves no clock;
money, stock, status and frequency caps are those of now. An ad that might have answered then and may not now, because
it is another hour, cannot be followed, and is counted so.

One rehearsal costs what one request costs, and between two of them other requests go on.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import msgspec
import numpy as np

from adcascade.cascade.answering import Answering
from adcascade.cascade.build import Loaded
from adcascade.cascade.engine import Outcome, Step
from adcascade.cascade.explain import why_not
from adcascade.cascade.logged_request import request_of
from adcascade.cascade.opportunity import opportunity_of
from adcascade.cascade.resold import auction_of
from adcascade.events.ad_fates import Followed, lost_auction
from adcascade.events.records import AuctionRecord
from adcascade.experiments.intervals import Estimate, wilson

Kind = Literal["rule", "unasked", "stage", "auction", "shown"]
STAGES = {
    "retrieval": "retrieval found other ads", "shards": "retrieval found other ads",
    "uniform_retrieval": "chance drew other ads (there is no trained bundle)",
    "preranking": "pre-ranking kept other ads", "ranking": "ranking kept other ads",
}  # fmt: skip
AUCTION = {
    "outbid": "outbid in the auction", "below_reserve": "its eCPM was below the lowest price",
    "sibling": "another ad of its campaign had the slot", "passed_over": "a floor, a deal or a rule of the auction",
}  # fmt: skip
EXAMPLES = 3


class Reason(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Why an ad is not shown. kind: a rule keeps it out; it cannot be asked; a stage lost it; the auction; it is."""

    kind: Kind
    words: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A reason, with how often it was found. share: of the requests in which the ad was not ranked, 95 % interval;
    examples: ids of requests."""

    reason: Reason
    asked: int
    share: Estimate
    examples: tuple[str, ...]


async def ask(answering: Answering, serving: Loaded, record: AuctionRecord, ad: Followed) -> Reason:
    """What would become of the ad in a logged request."""
    parts, row = answering.parts, ad.row
    snapshot = parts.snapshot
    request = request_of(record, snapshot, row, parts.clock_us(), parts.context)
    now = opportunity_of(request, parts.memory, serving.encoder, parts.context)
    then = replace(now, request=msgspec.structs.replace(request, time_us=record.time_us))
    rule = why_not(snapshot, then, row)
    if rule is not None:
        return Reason(kind="rule", words=rule)
    rule = why_not(snapshot, now, row)
    if rule is not None:
        return Reason(kind="unasked", words=f"could answer at that time, but not now: {rule}")
    _, outcome = await answering.rehearse(request, serving, seen=record.seen)
    return reason_of(outcome, ad)


def reason_of(outcome: Outcome, ad: Followed) -> Reason:
    """Where a rehearsal lost the ad."""
    for step in outcome.steps:
        if ad.row in step.left.ad:
            continue
        if step.name.endswith("auction") and ad.row in step.entered.ad:
            return Reason(kind="auction", words=_auction_words(step, ad))
        words = STAGES.get(step.name, f"lost at {step.name.replace('_', ' ')}")
        return Reason(kind="stage", words=f"{words} (cut short: {step.cut})" if step.cut else words)
    if ad.row in outcome.winners.ad:
        return Reason(kind="shown", words="it would be shown now")
    return Reason(kind="rule", words="its slot stays empty, since a frequency cap would be passed")


def _auction_words(step: Step, ad: Followed) -> str:
    ecpm = dict(zip(step.entered.ad.tolist(), step.entered.ecpm.tolist(), strict=True))
    return AUCTION[lost_auction(ecpm[ad.row], {row: ecpm[row] for row in step.left.ad.tolist()}, ad).fate]


async def ask_all(
    answering: Answering,
    serving: Callable[[], Loaded],
    records: Sequence[AuctionRecord],
    ad: Followed,
    population: int,
) -> tuple[Told, ...]:
    """The reasons in a uniform sample of `population` requests, most frequent first. serving: the bundle by then."""
    found: dict[Reason, list[str]] = {}
    for record in records:
        reason = await ask(answering, serving(), record, ad)
        found.setdefault(reason, []).append(record.id)
        await asyncio.sleep(0)
    told = [
        Told(
            reason=reason,
            asked=len(ids),
            share=share_of(len(ids), len(records), population),
            examples=tuple(ids[:EXAMPLES]),
        )
        for reason, ids in found.items()
    ]
    return tuple(sorted(told, key=lambda one: (-one.asked, one.reason)))


def share_of(found: int, asked: int, population: int) -> Estimate:
    """`found` of `asked`, drawn without replacement from `population`: exact where all were asked.

    Wilson's interval with n (N - 1) / (N - n) trials, which has the variance of such a draw.

    >>> share_of(3, 10, 10)
    Estimate(value=0.3, low=0.3, high=0.3)
    """
    value = found / asked
    if asked >= population:
        return Estimate(value, value, value)
    return wilson(value, asked * (population - 1) / (population - asked))


def followed(serving: Loaded, row: int) -> Followed:
    """The ad of a row, with the other ads of its campaign and the lowest price of the serving auction."""
    stage, campaign = auction_of(serving), serving.snapshot.campaign
    same = np.flatnonzero(campaign == campaign[row]).tolist()
    siblings = frozenset() if stage.one_per == "ad" else frozenset(same) - {row}
    return Followed(row=row, siblings=siblings, reserve_micros=stage.reserve_micros)
