"""Live AUC: how well predictions told clicks from views, hour by hour or day by day, as it happened.

A period of less than a few clicks says nothing: its AUC is shown beside its counts, and is None without a click.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.calibration.maps import Floats
from adcascade.metrics.auc import auc

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
BY_HOUR = 48  # hours up to which a span is told by the hour


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """An hour or a day, UTC. aucs: of each kind of prediction; None where nothing or everything was clicked."""

    start_us: int
    impressions: int
    clicks: int
    aucs: tuple[float | None, ...]


def live_auc(time_us: NDArray[np.int64], clicked: Floats, *predictions: Floats) -> tuple[Period, ...]:
    """Periods in order, those without an impression left out; [n] each, clicked in {0, 1}."""
    if not len(time_us):
        return ()
    long = HOUR_US if int(time_us.max()) - int(time_us.min()) < BY_HOUR * HOUR_US else DAY_US
    number = time_us // long
    return tuple(_period(int(one) * long, number == one, clicked, predictions) for one in np.unique(number))


def _period(start_us: int, within: NDArray[np.bool_], clicked: Floats, predictions: Sequence[Floats]) -> Period:
    happened = clicked[within]
    impressions, clicks = len(happened), int(happened.sum())
    told = 0 < clicks < impressions
    return Period(
        start_us=start_us,
        impressions=impressions,
        clicks=clicks,
        aucs=tuple(float(auc(happened, one[within])) if told else None for one in predictions),
    )
