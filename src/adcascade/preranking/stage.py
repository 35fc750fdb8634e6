"""The pre-ranking stage: a cheap guess at the value of a thousand ads, so that the ranker reads only the best."""

import numpy as np

from adcascade.contracts import Candidates, Opportunity
from adcascade.contracts.bids import Alphas, Bids
from adcascade.contracts.worth import worth_of
from adcascade.metrics.logistic import probability
from adcascade.preranking.scorer import Judge

NOBODY = np.empty(0, np.float64)  # pacing factors where nobody paces


class PrerankingStage:
    """Sets a provisional ctr and keeps the best by expected value, in the currency of the final order.

    score = eCPM (micros per thousand impressions, as float32) of the provisional ctr and the bid as bidding will
    pace it. Not for two threads at once: it owns the scorer's buffers.
    """

    name = "preranking"

    def __init__(self, scorer: Judge, bids: Bids, *, keep: int, pacer: Alphas | None = None) -> None:
        self._scorer, self._bids, self._pacer = scorer, bids, pacer
        self.keep = keep

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """At most `keep` candidates with ctr and score, best first."""
        ad = candidates.ad
        ctr = probability(self._scorer.score(self._scorer.user(opportunity.features), ad))
        alpha = NOBODY if self._pacer is None else self._pacer.alpha
        _, ecpm = worth_of(ad, ctr, self._bids, alpha)
        return candidates.with_(ctr=ctr, score=ecpm.astype(np.float32)).top(self.keep)
