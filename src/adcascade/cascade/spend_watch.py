"""SpendWatch: how well the day's spend keeps to its plan, told to who runs the server.

Per control slot the spend error of all campaigns that want their daily budget spread; over a day its mean; and for
every campaign whose day ended, which share of its budget was left.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from adcascade.metrics.spend_error import spend_error
from adcascade.money.day import day_of

ENDS = 10_000  # ends of campaigns' days that are remembered


class SpendWatch:
    """Errors of the control slots of UTC days, and of days that ended."""

    def __init__(self) -> None:
        self._now: float | None = None
        self._day = -1
        self._slots: list[float] = []  # errors of the day's control slots so far
        self._day_before: float | None = None  # the mean over the last day that had any
        self._ends: deque[float] = deque(maxlen=ENDS)  # share of the budget left
        self._share: NDArray[np.float64] = np.zeros(0)  # [C] spent at the last slot, -1 where nothing is planned
        self._planned: NDArray[np.float64] = np.zeros(0)  # [C]

    def slot(
        self, spent: NDArray[np.int64], budget: NDArray[np.int64], planned: NDArray[np.float64], now_us: int
    ) -> None:
        """A control slot has ended: [C] spent since each day's beginning, daily budgets (at most 0: none), plans."""
        limited = budget > 0
        known = len(self._share)
        over = (planned[:known] < self._planned) & (self._share >= 0)
        self._ends.extend(np.abs(1.0 - self._share[over]).tolist())
        self._share = np.where(limited, spent / np.maximum(budget, 1), -1.0)
        self._planned = planned
        self._now = spend_error(spent[limited], budget[limited], planned[limited])
        if day_of(now_us) != self._day:
            if self._slots:
                self._day_before = float(np.mean(self._slots))
            self._day, self._slots = day_of(now_us), []
        if self._now is not None:
            self._slots.append(self._now)

    def errors(self) -> dict[str, float | None]:
        """Now, the mean over the day so far and over the day before, and at the ends of days (the last 10,000)."""
        return {
            "now": self._now,
            "day": float(np.mean(self._slots)) if self._slots else None,
            "day_before": self._day_before,
            "day_end": float(np.mean(self._ends)) if self._ends else None,
        }
