"""The bidding stage: from calibrated probabilities and advertisers' bids to eCPM, the currency of the auction."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.fixed import FixedPacer
from adcascade.contracts import Candidates, Opportunity
from adcascade.contracts.ecpm import ecpm_of, parts_per_billion, share_of


class Bids(Protocol):
    """What bidding reads of the catalog, by row of an ad; arrays may be longer than the catalog."""

    @property
    def campaign(self) -> NDArray[np.int32]:
        """Number of the ad's campaign."""
        ...

    @property
    def bid(self) -> NDArray[np.int64]:
        """Micros per billing event."""
        ...

    @property
    def billing_click(self) -> NDArray[np.bool_]:
        """True: per click, else per impression."""
        ...


class Alphas(Protocol):
    """Whoever moves the pacing factors."""

    @property
    def alpha(self) -> NDArray[np.float64]:
        """[C] in (0, 1] by campaign number; a campaign beyond the end has 1."""
        ...


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


def paced_bids(bid: NDArray[np.int64], campaign: NDArray[np.int32], alpha: NDArray[np.float64]) -> NDArray[np.int64]:
    """floor(alpha * bid) in exact integers, never above the bid: bid [n], campaign [n], alpha [C] -> int64 [n]."""
    if not len(alpha):
        return bid
    known = campaign < len(alpha)
    factor = np.where(known, alpha[np.where(known, campaign, 0)], 1.0)
    return share_of(bid, parts_per_billion(factor))
