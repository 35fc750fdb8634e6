"""The bidding stage: from calibrated probabilities and advertisers' bids to eCPM, the currency of the auction."""

import numpy as np

from adcascade.bidding.fixed import FixedPacer
from adcascade.bidding.goals import Goals, goal_bids
from adcascade.contracts import Candidates, Opportunity
from adcascade.contracts.bids import Alphas, Bids
from adcascade.contracts.worth import worth_of


class BiddingStage:
    """Sets bid = floor(alpha * bid) and ecpm, and ranks by ecpm; the order is decided in int64.

    score becomes the ecpm as float32, for the trace only. Reads ctr, and cvr where there are goals (goals.py).
    Without a pacer bids stay as they are.
    """

    name = "bidding"

    def __init__(self, bids: Bids, pacer: Alphas | None = None, goals: Goals | None = None) -> None:
        self.bids, self.goals = bids, goals
        self.pacer: Alphas = FixedPacer() if pacer is None else pacer

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:  # noqa: ARG002  what a request changes lies in its candidates
        """The same candidates by falling ecpm; equal ones keep their order."""
        ad, bid = candidates.ad, None
        if self.goals is not None:
            per_click, own = self.bids.billing_click[ad], self.bids.bid[ad]
            target, limit = self.goals.target[ad], self.goals.margin_limit[ad]
            bid = goal_bids(own, target, limit, per_click, candidates.ctr, candidates.cvr)
        paced, ecpm = worth_of(ad, candidates.ctr, self.bids, self.pacer.alpha, bid)
        informed = candidates.with_(bid=paced, ecpm=ecpm, score=ecpm.astype(np.float32))
        return informed.take((-ecpm).argsort(kind="stable"))
