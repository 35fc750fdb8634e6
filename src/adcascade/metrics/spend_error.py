"""Spend error: how far campaigns are from the plan of their day.

    e(t) = mean over campaigns of | spent(t) / daily budget - planned(t) |

planned(t) is the share of the day's traffic that the forecast says has come by t. 0: everybody is on the plan; at the
day's end planned is 1, so e is the mean share of a budget that was left. Letters in shapes: C campaigns.
"""

import numpy as np
from numpy.typing import NDArray


def spend_error(
    spent_micros: NDArray[np.int64], budget_micros: NDArray[np.int64], planned: NDArray[np.float64]
) -> float | None:
    """e(t) of spent [C] since each day's beginning, daily budgets [C] > 0 and planned shares [C]; None without any."""
    if not len(spent_micros):
        return None
    return float(np.abs(spent_micros / budget_micros - planned).mean())
