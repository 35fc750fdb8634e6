"""From a decided request to the record in the log: all that a later learner needs."""

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.answer import Served
from adcascade.cascade.engine import Outcome
from adcascade.contracts import AdRequest, Candidates
from adcascade.events.records import AuctionRecord, Exposure, Ranked, Winner

SCORES = {"retrieval": "retrieval", "shards": "retrieval", "uniform_retrieval": "retrieval", "preranking": "preranking"}


def ranked_of(outcome: Outcome, limit: int) -> Ranked | None:
    """The first `limit` candidates of the auction with what each stage thought of them."""
    ranked = outcome.ranked.take(np.arange(min(limit, len(outcome.ranked))))
    if not len(ranked):
        return None
    scores = {"retrieval": np.full(len(ranked), np.nan, np.float32), "preranking": np.full(len(ranked), np.nan, "f4")}
    for step in outcome.steps:
        if step.name in SCORES and not step.cut.startswith("failed"):
            scores[SCORES[step.name]] = score_at(step.left, ranked.ad)
    return Ranked(
        ad=ranked.ad.astype("<i4").tobytes(),
        retrieval=scores["retrieval"].astype("<f4").tobytes(),
        preranking=scores["preranking"].astype("<f4").tobytes(),
        ctr=ranked.ctr.astype("<f4").tobytes(),
        cvr=ranked.cvr.astype("<f4").tobytes(),
        bid=ranked.bid.astype("<i8").tobytes(),
        ecpm=ranked.ecpm.astype("<i8").tobytes(),
    )


def score_at(candidates: Candidates, ads: NDArray[np.int32]) -> NDArray[np.float32]:
    """The score that `candidates` hold for each of `ads`, float32 [n]; NaN for an ad that is not among them."""
    if not len(candidates):
        return np.full(len(ads), np.nan, np.float32)
    order = np.argsort(candidates.ad, kind="stable")
    place = order[np.minimum(np.searchsorted(candidates.ad, ads, sorter=order), len(order) - 1)]
    return np.where(candidates.ad[place] == ads, candidates.score[place], np.float32(np.nan)).astype(np.float32)


def winner_of(served: Served, propensity: float, slot_factor: float) -> Winner:
    """One ad of the answer as the log keeps it. propensity: NaN where nothing was random."""
    return Winner(
        bid_id=served.bid_id,
        ad=served.row,
        slot=served.slot,
        creative=served.creative_index,
        price_micros=served.price_micros,
        billing=served.campaign.billing,
        ctr=served.ctr / slot_factor if slot_factor else served.ctr,
        slot_ctr=served.ctr,
        cvr=served.cvr,
        deal=served.deal,
        propensity=None if propensity != propensity else propensity,  # noqa: PLR0124  NaN: nothing was random
    )


def auction_record(
    request: AdRequest,
    outcome: Outcome,
    winners: tuple[Winner, ...],
    *,
    seen: dict[str, str | float | int | list[str] | None],
    bundle: str,
    log_ranked: int,
    live_factor: float = 1.0,
    asked: str = "",
    exposure: Exposure | None = None,
) -> AuctionRecord:
    """One record for the event log."""
    return AuctionRecord(
        id=request.id,
        time_us=request.time_us,
        user=request.user,
        scenario=request.scenario,
        seen=seen,
        winners=winners,
        ranked=ranked_of(outcome, log_ranked) if log_ranked else None,
        bundle=bundle,
        policy=outcome.policy,
        live_factor=live_factor,
        chain=request.chain,
        asked=asked,
        cuts=outcome.cuts,
        stage_us={step.name: step.elapsed_ns // 1000 for step in outcome.steps},
        exposure=exposure,
    )
