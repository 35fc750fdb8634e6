"""Days of money: an advertiser's own days, numbered from 1970-01-01 by its local calendar.

A day of a zone lasts from its local midnight to the next: 23 or 25 hours where the clocks are put forward or back.

An advertiser may change its zone. Then the day that runs keeps its number and ends no earlier than it would have: at
the first midnight of the new zone that is not before its old end and begins a later date. So a change only ever makes
one day longer, to less than three, and no two daily budgets come within less than a day of the zone they began in. A
number may be skipped, none comes twice. Changed back while that day still runs, it ends as if nothing had been changed.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from adcascade.errors import InputError

DAY_US = 86_400_000_000
NEVER_US = -(2**62)
_EPOCH = date(1970, 1, 1)


class Day(msgspec.Struct, frozen=True, gc=False):
    """One day: its number, its first microsecond and the next day's first."""

    number: int
    begins_us: int
    ends_us: int

    def holds(self, time_us: int) -> bool:
        """Whether the instant lies in it."""
        return self.begins_us <= time_us < self.ends_us


class Calendar(msgspec.Struct, frozen=True, gc=False):
    """The days of an advertiser: those of `timezone` from `begins_us` on, and before that the day of the last change.

    held, held_since_us: that day and its beginning; held_until_us: when it would have ended without any change.
    """

    timezone: str = "UTC"
    begins_us: int = NEVER_US
    held: int = 0
    held_since_us: int = NEVER_US
    held_until_us: int = NEVER_US

    def day(self, time_us: int) -> Day:
        """The day that holds the instant; one before the held day counts to that day."""
        if time_us < self.begins_us:
            return Day(self.held, self.held_since_us, self.begins_us)
        day = local_day(self.timezone, time_us)
        return day if day.begins_us >= self.begins_us else Day(day.number, self.begins_us, day.ends_us)

    def changed(self, timezone: str, time_us: int) -> "Calendar":
        """The calendar after a change of zone at this instant, see above."""
        if timezone == self.timezone:
            return self
        running = self.day(time_us)
        held, since_us, until_us = running.number, running.begins_us, running.ends_us
        if time_us < self.begins_us:
            until_us = max(self.held_until_us, time_us)  # a day that runs longer does not end before now
        next_day = local_day(timezone, until_us)
        if next_day.begins_us < until_us:
            next_day = local_day(timezone, next_day.ends_us)
        while next_day.number <= held:  # a zone that lies far behind still has the date that ends here
            next_day = local_day(timezone, next_day.ends_us)
        begins_us = next_day.begins_us
        return Calendar(timezone, begins_us, held, since_us, until_us)


def day_of(time_us: int) -> int:
    """Number of the UTC day that holds this instant (microseconds since 1970)."""
    return time_us // DAY_US


def day_start(day: int) -> int:
    """First microsecond of a UTC day."""
    return day * DAY_US


def date_of(day: int) -> date:
    """The calendar's date of a day's number."""
    return _EPOCH + timedelta(days=day)


def number_of(day: date) -> int:
    """The number of a date."""
    return (day - _EPOCH).days


def local_day(timezone: str, time_us: int) -> Day:
    """The day of the zone that holds this instant."""
    if timezone == "UTC":
        number = time_us // DAY_US
        return Day(number, number * DAY_US, (number + 1) * DAY_US)
    try:
        moment = datetime.fromtimestamp(time_us // 1_000_000, zone_of(timezone))
    except (ValueError, OverflowError, OSError) as error:
        raise InputError("time", time_us, "microseconds of a year from 1 to 9999") from error
    day = _bounds(timezone, number_of(moment.date()))
    while time_us < day.begins_us:  # clocks that are put back past midnight show a date twice
        day = _bounds(timezone, day.number - 1)
    while time_us >= day.ends_us:
        day = _bounds(timezone, day.number + 1)
    return day


def zone_of(timezone: str) -> ZoneInfo:
    """The zone of this name; InputError where there is none."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError("timezone", timezone, 'a zone of the IANA database, such as "Europe/Berlin"') from error


@lru_cache(maxsize=4096)
def _bounds(timezone: str, number: int) -> Day:
    return Day(number, _midnight(timezone, number), _midnight(timezone, number + 1))


def _midnight(timezone: str, number: int) -> int:
    """First instant of a date: where clocks jump over midnight, the instant of the jump."""
    day = date_of(number)
    local = datetime(day.year, day.month, day.day, tzinfo=zone_of(timezone))
    return round((local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
