"""The bidding stage: from calibrated probabilities and advertisers' bids to eCPM, the currency of the auction."""

import numpy as np

from adcascade.bidding.fixed import FixedPacer
from adcascade.contracts import Candidates, Opportunity
from adcascade.contracts.bids import Alphas, Bids, paced_bids
from adcascade.contracts.ecpm import ecpm_of


class BiddingStage:
    """Sets bid = floor(alpha * bid) and ecpm, and ranks by ecpm; the order is decided in int64.

    score becomes the ecpm as float32, for the trace only. Reads ctr. Without a pacer bids stay as they are.
    """

    name = "bidding"

    def __init__(self, bids: Bids, pacer: Alphas | None = None) -> None:
        self.bids = bids
        self.pacer: Alphas = FixedPacer() if pacer is None else pacer

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:  # noqa: ARG002  bids are the same for all requests
        """The same candidates by falling ecpm; equal ones keep their order."""
        ad = candidates.ad
        bid = paced_bids(self.bids.bid[ad], self.bids.campaign[ad], self.pacer.alpha)
        ecpm = ecpm_of(candidates.ctr, bid, self.bids.billing_click[ad])
        informed = candidates.with_(bid=bid, ecpm=ecpm, score=ecpm.astype(np.float32))
        return informed.take(np.argsort(-ecpm, kind="stable"))
