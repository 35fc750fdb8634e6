"""EndedSlot: what every campaign did in a control slot of the server, and whoever moves their factors by it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts.bids import Alphas

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSlot:
    """By campaign number, [C] each. Money in micros; values and bids per opportunity, in micros."""

    opportunities: Longs  # requests in which it took part
    won: Longs
    seen: Longs  # impressions
    actions: Longs  # clicks
    spent: Longs
    bid: Floats  # sum over the opportunities
    value: Floats  # likewise, at the advertiser's own bid
    reward: Floats  # sum of the values of what was seen

    @classmethod
    def nothing(cls, campaigns: int) -> "EndedSlot":
        """A slot in which so many campaigns did nothing."""
        none, zero = np.zeros(campaigns, np.int64), np.zeros(campaigns)
        return cls(opportunities=none, won=none, seen=none, actions=none, spent=none, bid=zero, value=zero, reward=zero)


class Pacing(Alphas, Protocol):
    """Moves alpha [C] once per control slot."""

    curve: Floats  # forecast of the day's traffic, see day_curve.py

    def update(
        self,
        spent_micros: Longs,
        budget_micros: Longs,
        day_fraction: float | Floats,
        even: NDArray[np.bool_] | None = None,
        ended: EndedSlot | None = None,
        *,
        begins: float | Floats = 0.0,
    ) -> Floats:
        """A control slot has ended; see `Pacer.update`. ended: what happened in it, of the same campaigns."""
        ...
