"""Pacer: the pacing factors of all campaigns, moved together once per control slot."""

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.day_curve import flat_curve, planned_share
from adcascade.bidding.ended_slot import EndedSlot
from adcascade.bidding.pacing import Pace, PacingRule, paced

UNLIMITED = -1


class Pacer:
    """alpha [C] by campaign number; new campaigns may appear at any update and begin at 1.

    `alpha` is replaced as a whole and never written into, so a request that reads it while another thread
    updates sees one state or the other.
    """

    def __init__(self, curve: NDArray[np.float64] | None = None, rule: PacingRule | None = None) -> None:
        self.curve = flat_curve() if curve is None else curve
        self.rule = PacingRule() if rule is None else rule
        self._pace = Pace.start(np.ones(0))

    @property
    def alpha(self) -> NDArray[np.float64]:
        """Factor of each campaign's bids, [C] in (0, 1]."""
        return self._pace.alpha

    def update(
        self,
        spent_micros: NDArray[np.int64],
        budget_micros: NDArray[np.int64],
        day_fraction: float | NDArray[np.float64],
        even: NDArray[np.bool_] | None = None,
        ended: EndedSlot | None = None,  # noqa: ARG002  the signature of Pacing
        *,
        begins: float | NDArray[np.float64] = 0.0,
    ) -> NDArray[np.float64]:
        """A control slot has ended; all arrays [C].

        spent_micros: since the beginning of the campaign's day; budget_micros: of the day, UNLIMITED (-1) where there
        is none; day_fraction in [0, 1]: time of day, smaller than at the last call when a new day has begun; even:
        campaigns that want their budget spread (all, if None), the others keep alpha 1; begins: see `planned_share`.
        Days may differ by campaign. Returns the new alpha.
        """
        planned = np.broadcast_to(planned_share(self.curve, day_fraction, begins), len(spent_micros))
        pace = _begun(_grown(self._pace, planned), planned)
        limited = budget_micros >= 0 if even is None else (budget_micros >= 0) & even
        share = np.where(limited, spent_micros / np.maximum(budget_micros, 1), 0.0)
        moved = paced(pace, share, planned, self.rule)
        self._pace = Pace(
            alpha=np.where(limited, moved.alpha, 1.0),
            spent=moved.spent,
            planned=moved.planned,
            recent=np.where(limited, moved.recent, 0.0),
            recent_wanted=np.where(limited, moved.recent_wanted, 0.0),
        )
        return self.alpha


def _begun(pace: Pace, planned: NDArray[np.float64]) -> Pace:
    """Whose plan is earlier than it was has a new day: nothing is spent, nothing was due."""
    new_day = planned < pace.planned
    spent, due, recent, wanted = (
        np.where(new_day, 0.0, old) for old in (pace.spent, pace.planned, pace.recent, pace.recent_wanted)
    )
    return Pace(alpha=pace.alpha, spent=spent, planned=due, recent=recent, recent_wanted=wanted)


def _grown(pace: Pace, planned: NDArray[np.float64]) -> Pace:
    """Room for all campaigns; a newcomer begins at alpha 1 and is asked only for the rest of the day."""
    known = len(pace.alpha)
    new = len(planned) - known
    if new <= 0:
        return pace
    zero, fresh = np.zeros(new), planned[known:] if known else np.zeros(new)
    return Pace(
        alpha=np.append(pace.alpha, np.ones(new)),
        spent=np.append(pace.spent, zero),
        planned=np.append(pace.planned, fresh),
        recent=np.append(pace.recent, zero),
        recent_wanted=np.append(pace.recent_wanted, zero),
    )
