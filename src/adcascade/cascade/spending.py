"""Spending beside the day's plan: how far all paced campaigns together are ahead of it, or behind."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FREE = 0.99  # a campaign whose pacing factor is higher is not held back


class Spending(NamedTuple):
    """Of campaigns with a daily budget that is spread over the day; money in micros."""

    budget: int = 0  # of the day
    spent: int = 0
    due: int = 0  # by the plan until now
    ahead: float = 0.0  # spent beyond what was due, share of the budgets of all; 0 or more
    behind: float = 0.0  # due and not spent, share of the budgets of campaigns that are held back; 0 or more

    @property
    def error(self) -> float:
        """Spent less due, as a share of the budgets."""
        return (self.spent - self.due) / self.budget if self.budget else 0.0


def spending(
    spent: NDArray[np.int64],
    budget: NDArray[np.int64],
    alpha: NDArray[np.float64],
    even: NDArray[np.bool_],
    planned: NDArray[np.float64],
) -> Spending:
    """By campaign number, [C] each. budget: below 0 where there is none; alpha may be shorter: newcomers are free;
    planned: share of each one's plan of the day that was due by now.
    """
    paced = even & (budget > 0)
    limit, gone = budget[paced].astype(np.float64), spent[paced].astype(np.float64)
    due = limit * planned[paced]
    factor = np.ones(len(budget))
    factor[: len(alpha)] = alpha[: len(budget)]
    held = factor[paced] < FREE
    total, total_held = float(limit.sum()), float(limit[held].sum())
    behind = float(np.maximum(due - gone, 0.0)[held].sum())
    return Spending(
        budget=int(limit.sum()),
        spent=int(gone.sum()),
        due=int(due.sum()),
        ahead=float(np.maximum(gone - due, 0.0).sum()) / total if total else 0.0,
        behind=behind / total_held if total_held else 0.0,
    )
