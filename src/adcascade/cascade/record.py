"""From a decided request to the record in the log: all that a later learner needs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.answer import Served
from adcascade.cascade.engine import Outcome
from adcascade.cascade.score_at import score_at
from adcascade.contracts import AdRequest
from adcascade.contracts.candidates import UNKNOWN
from adcascade.events.records import AuctionRecord, Exposure, Ranked, Winner

SCORES = {"retrieval": "retrieval", "shards": "retrieval", "uniform_retrieval": "retrieval", "preranking": "preranking"}
INT, LONG, FLOAT = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f4")  # as the log keeps numbers


def ranked_of(outcome: Outcome, limit: int) -> Ranked | None:
    """The first `limit` candidates of the auction with what each stage thought of them."""
    ranked = outcome.ranked
    ad = ranked.ad[:limit]
    if not len(ad):
        return None
    unknown = UNKNOWN[:1].repeat(len(ad))
    scores = {"retrieval": unknown, "preranking": unknown}
    for step in outcome.steps:
        if step.name in SCORES and not step.cut.startswith("failed"):
            scores[SCORES[step.name]] = score_at(step.left, ad)
    return Ranked(
        ad=_bytes(ad, INT),
        retrieval=_bytes(scores["retrieval"], FLOAT),
        preranking=_bytes(scores["preranking"], FLOAT),
        ctr=_bytes(ranked.ctr[:limit], FLOAT),
        cvr=_bytes(ranked.cvr[:limit], FLOAT),
        bid=_bytes(ranked.bid[:limit], LONG),
        ecpm=_bytes(ranked.ecpm[:limit], LONG),
    )


def _bytes(values: NDArray[Any], kind: np.dtype[Any]) -> bytes:
    return values.astype(kind, copy=False).tobytes()


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
