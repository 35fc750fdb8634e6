"""Explain: which ads lived and died at each stage of one request, and why.

It is a rehearsal: the request goes through the running engine as a test, with nothing charged, promised, logged or
counted (`Answering.rehearse`). That costs what one request costs. Why ads may not answer at all is asked ad by ad, in
slices between which other requests go on, and of at most LOOKED_AT ads: of more, the counts are those of a sample.
"""

import asyncio
from collections import Counter

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.answering import Answering
from adcascade.cascade.build import Loaded
from adcascade.cascade.engine import Outcome, Step
from adcascade.cascade.opportunity import chance_of
from adcascade.catalog.bitmaps import are_in, unpack
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Candidates, Opportunity
from adcascade.errors import InputError

LOOKED_AT = 2_000  # ads that are asked why they may not answer
SLICE = 50  # of them at once: half a millisecond
UNKNOWN_USER = "has a frequency cap, and the user is not known"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An ad behind a stage, with what is known of it by then; probabilities None and money 0 where nothing is."""

    ad: str
    place: int  # from 1, in the order of the stage
    score: float | None = None
    ctr: float | None = None
    cvr: float | None = None
    propensity: float | None = None
    bid_micros: int = 0
    ecpm_micros: int = 0
    price_micros: int = 0
    slot: int | None = None


class StageTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One stage: how many ads entered and left, the best of those who left, and the ad that is followed, if it did."""

    name: str
    ads_in: int
    ads_out: int
    ms: float
    cut: str
    best: list[Line]
    followed: Line | None = None


class Excluded(msgspec.Struct, frozen=True, kw_only=True):
    """How many ads of the catalog may not answer, by the first rule that keeps them out, most frequent first.

    looked_at: of so many the rule was asked; where these are fewer than all, the counts are scaled up.
    """

    ads: int
    looked_at: int
    reasons: dict[str, int]


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the ad that is followed."""

    id: str
    fate: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request's way through the cascade."""

    bundle: str
    policy: str
    excluded: Excluded
    stages: list[StageTold]
    winners: list[Line]
    ad: Fate | None = None


async def explain(
    answering: Answering, request: AdRequest, serving: Loaded, *, ad: str | None = None, top: int = 10
) -> Explanation:
    """How the bundle would answer this request now.

    ad: follow this one too, and say where and why it was lost; InputError where it is not in the catalog. top: how
    many ads are told per stage.
    """
    snapshot = answering.parts.snapshot
    row = -1 if ad is None else row_of(snapshot, ad)
    opportunity, outcome = await answering.rehearse(request, serving)
    fate = None if ad is None else Fate(id=ad, fate=fate_of(snapshot, opportunity, outcome, row))
    return Explanation(
        bundle=serving.version,
        policy=outcome.policy,
        stages=[stage_told(snapshot, step, top, row) for step in outcome.steps],
        winners=told(snapshot, outcome.winners, top),
        ad=fate,
        excluded=await excluded(snapshot, opportunity),
    )


def row_of(snapshot: Snapshot, ad: str) -> int:
    """The row of an ad; InputError where the catalog holds none of this id."""
    row = snapshot.row_of.get(ad)
    if row is None:
        raise InputError("ad", ad, "the id of an ad in the catalog", "`adcascade catalog list ads` shows them")
    return row


async def excluded(snapshot: Snapshot, opportunity: Opportunity) -> Excluded:
    """Which ads may not answer, and why."""
    request = opportunity.request
    bits = snapshot.eligible(request, request.time_us, opportunity.capped)
    if opportunity.uncapped is not None:
        bits &= opportunity.uncapped
    out = np.flatnonzero(~unpack(bits, snapshot.n))
    asked = out
    if len(out) > LOOKED_AT:
        asked = chance_of(request.id).choice(out, LOOKED_AT, replace=False)
    reasons: Counter[str] = Counter()
    for start in range(0, len(asked), SLICE):
        for row in asked[start : start + SLICE].tolist():
            reasons[why_not(snapshot, opportunity, row) or "may answer by now"] += 1
        await asyncio.sleep(0)
    scale = len(out) / max(len(asked), 1)
    return Excluded(
        ads=len(out),
        looked_at=len(asked),
        reasons={reason: round(count * scale) for reason, count in reasons.most_common()},
    )


def why_not(snapshot: Snapshot, opportunity: Opportunity, row: int) -> str | None:
    """The first rule that keeps the ad out, or None where it may answer."""
    request = opportunity.request
    reason = snapshot.why_not(row, request, request.time_us, opportunity.capped)
    if reason is None and opportunity.uncapped is not None and row >> 3 < len(opportunity.uncapped):
        known: bool = are_in(opportunity.uncapped, np.array([row]))[0]
        return None if known else UNKNOWN_USER
    return reason


def stage_told(snapshot: Snapshot, step: Step, top: int, row: int = -1) -> StageTold:
    """One stage. row: of the ad that is followed, -1: none is."""
    place = _place(step.left.ad, row)
    return StageTold(
        name=step.name,
        ads_in=len(step.entered),
        ads_out=len(step.left),
        ms=step.elapsed_ns / 1e6,
        cut=step.cut,
        best=told(snapshot, step.left, top),
        followed=None if place is None else line_of(snapshot, step.left, place),
    )


def _place(rows: NDArray[np.int32], row: int) -> int | None:
    found = np.flatnonzero(rows == row)
    return int(found[0]) if row >= 0 and len(found) else None


def told(snapshot: Snapshot, candidates: Candidates, top: int) -> list[Line]:
    """The first of them."""
    return [line_of(snapshot, candidates, place) for place in range(min(top, len(candidates)))]


def line_of(snapshot: Snapshot, candidates: Candidates, place: int) -> Line:
    """The candidate at a place, with everything that is known by now."""

    def known(values: NDArray[np.float32]) -> float | None:
        return None if np.isnan(values[place]) else float(values[place])

    return Line(
        ad=snapshot.ad_ids[candidates.ad[place]],
        place=place + 1,
        score=known(candidates.score),
        ctr=known(candidates.ctr),
        cvr=known(candidates.cvr),
        propensity=known(candidates.propensity),
        bid_micros=int(candidates.bid[place]),
        ecpm_micros=int(candidates.ecpm[place]),
        price_micros=int(candidates.price[place]),
        slot=int(candidates.slot[place]) if candidates.slot[place] >= 0 else None,
    )


def fate_of(snapshot: Snapshot, opportunity: Opportunity, outcome: Outcome, row: int) -> str:
    """Where an ad was lost, as a sentence; "won" where it was not."""
    reason = why_not(snapshot, opportunity, row)
    if reason is not None:
        return f"may not answer: {reason}"
    for step in outcome.steps:
        if row in step.left.ad:
            continue
        if row not in step.entered.ad and len(step.entered):
            return f"was lost before {step.name}"
        if step.name.endswith("auction"):
            return lost_auction(step, row)
        worst = float(step.left.score[-1]) if len(step.left) else float("nan")
        return f"was not among the {len(step.left)} best of {step.name}; the last of them scored {worst:.4g}"
    return "won" if row in outcome.winners.ad else "won a slot that a frequency cap leaves empty"


def lost_auction(step: Step, row: int) -> str:
    """Why an ad that entered the auction did not win."""
    found = _place(step.entered.ad, row)
    if found is None:
        return f"did not come as far as {step.name}"
    ecpm = int(step.entered.ecpm[found])
    better = int((step.entered.ecpm > ecpm).sum())
    least = int(step.left.ecpm.min()) if len(step.left) else 0
    return (
        f"lost the auction: its eCPM of {ecpm / 1e6:.4f} ranked {better + 1} of {len(step.entered)}; "
        f"the last winner's was {least / 1e6:.4f}"
    )
