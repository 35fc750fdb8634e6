"""Fixed bids: alpha never moves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.day_curve import flat_curve
from adcascade.bidding.ended_slot import EndedSlot
from adcascade.contracts.bidder import BidState, PastSlot


@dataclass(frozen=True, slots=True)
class FixedBidder:
    """Bid the same factor of the value in every control slot."""

    factor: float = 1.0

    def alpha(self, state: BidState, history: Sequence[PastSlot]) -> float:  # noqa: ARG002  whatever happened
        """The factor."""
        return self.factor


class FixedPacer:
    """What the bidding stage reads where nobody paces: alpha 1 for all campaigns."""

    def __init__(self) -> None:
        self.alpha: NDArray[np.float64] = np.ones(0)
        self.curve: NDArray[np.float64] = flat_curve()

    def update(
        self,
        spent_micros: NDArray[np.int64],
        budget_micros: NDArray[np.int64],  # noqa: ARG002  the signature of Pacing
        day_fraction: float | NDArray[np.float64],  # noqa: ARG002
        even: NDArray[np.bool_] | None = None,  # noqa: ARG002
        ended: EndedSlot | None = None,  # noqa: ARG002
        *,
        begins: float | NDArray[np.float64] = 0.0,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Nothing moves: ones [C]."""
        return np.ones(len(spent_micros))
