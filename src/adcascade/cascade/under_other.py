"""Under another bundle: a logged request sold once more by what another bundle says of its candidates.

    logged   the candidates with the log's click probabilities and bids, sold by the rule that serves now
    other    the same with the other bundle's click probabilities and slot factors

Bids are the log's, pacing included; where a bid follows from a goal (bidding/goals.py), it moves with what the other
bundle says of clicks and conversions. Nothing here tells which of the two is right: each revenue is expected by the
bundle's own probabilities.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.auction import METHODS, AuctionStage
from adcascade.bidding.goals import goal_bids
from adcascade.cascade.other_bundle import OtherBundle
from adcascade.cascade.resold import Rule, candidates_of, name_of, sell
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Candidates
from adcascade.contracts.worth import ecpms_of
from adcascade.events.records import AuctionRecord


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What one bundle says of a candidate. place: from 1, by eCPM; ctr None: nobody knew."""

    ctr: float | None
    bid_micros: int
    ecpm_micros: int
    place: int


class AdUnder(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate under both."""

    ad: str
    logged: Judged
    other: Judged


class UnderOther(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison. ads: by their place under the other bundle; gone: candidates that left the catalog; missing:
    what the bundle's features read of a request and the log does not hold; factor: live calibration of the other."""

    version: str
    rule: str
    logged: Rule
    other: Rule
    ads: tuple[AdUnder, ...]
    gone: int
    missing: tuple[str, ...]
    factor: float


def under_other(
    record: AuctionRecord, bundle: OtherBundle, snapshot: Snapshot, stage: AuctionStage, factor: float
) -> UnderOther | None:
    """The comparison, or None where the log keeps no candidate that is still there.

    stage: the auction that serves; factor: of the live calibration, under which the other bundle would serve.
    """
    if record.ranked is None:
        return None
    every = candidates_of(record.ranked)
    logged = every.take(np.array([row < snapshot.n and snapshot.ads[row] is not None for row in every.ad.tolist()]))
    if not len(logged):
        return None
    other = judged_by(bundle, record, logged, snapshot, factor)
    rule = next(name for name, method in METHODS.items() if method is stage.rule)
    theirs = AuctionStage(
        stage.rule,
        snapshot,
        reserve_micros=stage.reserve_micros,
        slot_factors=bundle.slot_factors,
        one_per=stage.one_per,
    )
    slots = max((one.slot for one in record.winners), default=0) + 1
    by_log = np.argsort(-logged.ecpm, kind="stable")
    by_other = np.lexsort((-other.ctr, -other.ecpm))  # as ranking and bidding would order them
    pairs = zip(logged.ad.tolist(), _told(logged, by_log), _told(other, by_other), strict=True)
    ads = [AdUnder(ad=name_of(snapshot, row), logged=one, other=two) for row, one, two in pairs]
    return UnderOther(
        version=bundle.version,
        rule=rule,
        logged=sell(rule, record, slots, logged, stage),
        other=sell(rule, record, slots, other, theirs),
        ads=tuple(sorted(ads, key=lambda one: one.other.place)),
        gone=len(every) - len(logged),
        missing=bundle.missing(record),
        factor=factor,
    )


def judged_by(
    bundle: OtherBundle, record: AuctionRecord, logged: Candidates, snapshot: Snapshot, factor: float
) -> Candidates:
    """The logged candidates, in their order, with the bundle's ctr, cvr, and the bids and eCPMs that follow."""
    said = bundle.judge(record, logged.ad, snapshot, factor)
    rows = logged.ad
    per_click, own = snapshot.billing_click[rows], snapshot.bid[rows]
    goals = snapshot.target[rows], snapshot.margin_limit[rows]
    before = goal_bids(own, *goals, per_click, logged.ctr, logged.cvr)
    after = goal_bids(own, *goals, per_click, said.ctr, said.cvr)
    moved = (before != after) & (before > 0)
    bid = np.where(moved, np.floor(logged.bid * (after / np.maximum(before, 1))).astype(np.int64), logged.bid)
    return said.with_(bid=bid, ecpm=ecpms_of(said.ctr, bid, per_click))


def _told(candidates: Candidates, order: NDArray[np.int64]) -> list[Judged]:
    """One a candidate. order: of the candidates, best first [n]."""
    place = np.empty(len(candidates), np.int64)
    place[order] = np.arange(1, len(candidates) + 1)
    return [
        Judged(
            ctr=None if np.isnan(ctr) else float(ctr), bid_micros=int(bid), ecpm_micros=int(ecpm), place=int(at)
        )
        for ctr, bid, ecpm, at in zip(candidates.ctr, candidates.bid, candidates.ecpm, place, strict=True)
    ]  # fmt: skip
