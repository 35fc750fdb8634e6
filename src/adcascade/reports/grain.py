"""The grain of time: which hour, day or week an instant belongs to.

Hours are those of UTC; days and weeks are those of a time zone, and a week begins on Monday. The clock of any zone is
whole quarters of an hour from UTC, so quarters are what is looked up.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from adcascade.errors import InputError

Grain = Literal["hour", "day", "week"]
GRAINS: tuple[Grain, ...] = get_args(Grain)
QUARTER_US, HOUR_US, SECOND_US = 900_000_000, 3_600_000_000, 1_000_000


def zone_of(name: str) -> ZoneInfo:
    """The zone of a name of the IANA data base, else InputError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError("zone", name, "a time zone such as UTC or Europe/Berlin") from error


def begin_of(time_us: int, grain: Grain, zone: ZoneInfo) -> int:
    """When the hour, day or week of an instant began, UTC microseconds."""
    if grain == "hour":
        return time_us - time_us % HOUR_US
    date = datetime.fromtimestamp(time_us // SECOND_US, zone).date()
    if grain == "week":
        date -= timedelta(days=date.weekday())
    midnight = datetime.combine(date, time.min, zone)
    return round(midnight.astimezone(UTC).timestamp()) * SECOND_US


def begins_of(times_us: NDArray[np.int64], grain: Grain, zone: ZoneInfo) -> NDArray[np.int64]:
    """`begin_of` of each, int64 of the same length."""
    quarters, places = np.unique(times_us // QUARTER_US, return_inverse=True)
    begins = [begin_of(quarter * QUARTER_US, grain, zone) for quarter in quarters.tolist()]
    return np.array(begins, np.int64)[places]
