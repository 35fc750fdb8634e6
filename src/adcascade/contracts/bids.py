"""What early and late stages read of bids, so that both value an ad alike: the advertiser's bid, paced."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts.ecpm import parts_per_billion, share_of


class Bids(Protocol):
    """The money side of the catalog, by row of an ad; the arrays may be longer than the catalog."""

    @property
    def campaign(self) -> NDArray[np.int32]:
        """Number of the ad's campaign; negative where the row holds no ad."""
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


def paced_bids(bid: NDArray[np.int64], campaign: NDArray[np.int32], alpha: NDArray[np.float64]) -> NDArray[np.int64]:
    """floor(alpha * bid) in exact integers, never above the bid: bid [n], campaign [n], alpha [C] -> int64 [n]."""
    if not len(alpha):
        return bid
    known = (campaign >= 0) & (campaign < len(alpha))
    factor = np.where(known, alpha[np.where(known, campaign, 0)], 1.0)
    return share_of(bid, parts_per_billion(factor))
