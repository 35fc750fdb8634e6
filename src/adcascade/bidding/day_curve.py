"""The day's curve: which share of a day's traffic has come by a time of the day."""

import numpy as np
from numpy.typing import NDArray

DAY_US = 86_400_000_000


def day_curve(times_us: NDArray[np.int64], *, steps: int = 48, prior: float = 1.0) -> NDArray[np.float64]:
    """Cumulative share of the requests at times_us [N], UTC, over equal parts of a day: [steps + 1] from 0 to 1.

    prior: requests added to every part, so that a part that was empty in a short log is not thought to stay so.
    """
    part = (times_us % DAY_US) * steps // DAY_US
    counts = np.bincount(part, minlength=steps) + prior
    return np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])


def flat_curve() -> NDArray[np.float64]:
    """Traffic that does not know the hour: [2]."""
    return np.array([0.0, 1.0])


def planned_share(
    curve: NDArray[np.float64], day_fraction: float | NDArray[np.float64], begins: float | NDArray[np.float64] = 0.0
) -> NDArray[np.float64]:
    """Share of a day's traffic due by day_fraction in [0, 1] of it, linear between the curve's points.

    begins: the time of the UTC day, in [0, 1), at which the day begins, other than 0 in other zones: its traffic is the
    end of one UTC day and the beginning of the next. Shapes broadcast.
    """
    begins, until = np.asarray(begins), np.asarray(begins) + day_fraction
    points = np.linspace(0.0, 1.0, len(curve))
    due = np.floor(until) + np.interp(until % 1.0, points, curve)
    return np.asarray(np.clip(due - np.interp(begins, points, curve), 0.0, 1.0))
