"""Explain: which ads lived and died at each stage of one request, and why."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from adcascade.cascade.engine import Step
from adcascade.cascade.service import AdService
from adcascade.contracts import AdRequest, Candidates
from adcascade.errors import InputError


def explain(service: AdService, request: AdRequest, *, ad: str | None = None, top: int = 10) -> dict[str, Any]:
    """The request's way through the cascade: plain numbers, ready for JSON.

    Per stage: how many entered and left, and the `top` best of those who left, with what the stage knows of them. ad:
    follow this one too, and say where and why it was lost. Nothing is charged or logged: ask with test=True.
    """
    if ad is not None and ad not in service.parts.snapshot.row_of:
        raise InputError("ad", ad, "the id of an ad in the catalog", "`adcascade catalog list ads` shows them")
    _, outcome = service.decide(request)
    row = -1 if ad is None else service.parts.snapshot.row_of[ad]
    told: dict[str, Any] = {
        "request": request.id,
        "bundle": service.bundle_version,
        "policy": outcome.policy,
        "excluded": excluded(service, request),
        "stages": [stage_told(service, step, top) for step in outcome.steps],
        "winners": told_candidates(service, outcome.steps[-1].left, top),
    }
    if ad is not None:
        told["ad"] = {"id": ad, "fate": fate(service, request, outcome.steps, row)}
    return told


def excluded(service: AdService, request: AdRequest) -> dict[str, int]:
    """How many ads of the catalog may not answer at all, by the first rule that keeps them out."""
    reasons: dict[str, int] = {}
    snapshot = service.parts.snapshot
    for row in range(snapshot.n):
        reason = snapshot.why_not(row, request, request.time_us)
        if reason is not None:
            reasons[reason] = reasons.get(reason, 0) + 1
    return dict(sorted(reasons.items(), key=lambda item: -item[1]))


def stage_told(service: AdService, step: Step, top: int) -> dict[str, Any]:
    """One stage."""
    return {
        "name": step.name,
        "ads_in": len(step.entered),
        "ads_out": len(step.left),
        "ms": step.elapsed_ns / 1e6,
        "cut": step.cut,
        "best": told_candidates(service, step.left, top),
    }


def told_candidates(service: AdService, candidates: Candidates, top: int) -> list[dict[str, Any]]:
    """The first of them, with everything that is known by now."""
    snapshot = service.parts.snapshot
    rows = []
    for place in range(min(top, len(candidates))):
        line: dict[str, Any] = {"ad": snapshot.ad_ids[candidates.ad[place]]}
        for name in ("score", "ctr", "cvr", "propensity"):
            value = float(getattr(candidates, name)[place])
            if not np.isnan(value):
                line[name] = value
        for name in ("bid", "ecpm", "price"):
            if value := int(getattr(candidates, name)[place]):
                line[f"{name}_micros"] = value
        if candidates.slot[place] >= 0:
            line["slot"] = int(candidates.slot[place])
        rows.append(line)
    return rows


def fate(service: AdService, request: AdRequest, steps: Sequence[Step], row: int) -> str:
    """Where an ad was lost, as a sentence."""
    reason = service.parts.snapshot.why_not(row, request, request.time_us)
    if reason is not None:
        return f"may not answer: {reason}"
    for step in steps:
        if row in step.left.ad:
            continue
        if row not in step.entered.ad and len(step.entered):
            return f"was lost before {step.name}"
        worst = float(step.left.score[-1]) if len(step.left) else float("nan")
        if step.name.endswith("auction"):
            return lost_auction(step, row)
        return f"was not among the {len(step.left)} best of {step.name}; the last of them scored {worst:.4g}"
    return "won"


def lost_auction(step: Step, row: int) -> str:
    """Why an ad that entered the auction did not win."""
    place = int(np.flatnonzero(step.entered.ad == row)[0])
    ecpm = int(step.entered.ecpm[place])
    better = int((step.entered.ecpm > ecpm).sum())
    least = int(step.left.ecpm.min()) if len(step.left) else 0
    return (
        f"lost the auction: its eCPM of {ecpm / 1e6:.4f} ranked {better + 1} of {len(step.entered)}; "
        f"the last winner's was {least / 1e6:.4f}"
    )
