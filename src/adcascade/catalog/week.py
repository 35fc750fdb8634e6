"""Parts of the week in an advertiser's own time zone: "mon-fri 08:00-18:30", "sat,sun 10:00-24:00", "wed".

    part = days [" " from "-" to]
    days = day | day "-" day | days "," days        day: mon tue wed thu fri sat sun; "fri-mon" goes over the weekend
    from, to = HH:MM, from 00:00 to 24:00, to later than from; left out: the whole day

A time of the clock on the wall: where clocks are put forward an hour is missing from the day, where they are put back
one is there twice, and both are so here too.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60  # minutes
WEEK = 7 * DAY
MINUTE_US = 60_000_000
GRAMMAR = 'a part of the week such as "mon-fri 08:00-18:30", "sat,sun 10:00-24:00" or "wed"'

_DAY = "|".join(DAYS)
_PART = re.compile(
    rf"(?P<days>(?:{_DAY})(?:-(?:{_DAY}))?(?:,(?:{_DAY})(?:-(?:{_DAY}))?)*)"
    r"(?: (?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d))?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US, _LAST_US = -(10**16), 10**17  # the years 1653 and 5138


def parse_part(text: str) -> list[tuple[int, int]]:
    """Intervals [from, to) in minutes since Monday 00:00; ValueError where the text is none of the grammar.

    >>> parse_part("sat,sun 10:00-24:00")
    [(7800, 8640), (9240, 10080)]
    """
    found = _PART.fullmatch(text)
    if found is None:
        raise ValueError(text)
    begin, end = _minutes(found["from"] or "00:00"), _minutes(found["to"] or "24:00")
    if not begin < end:
        raise ValueError(text)
    days = {day for part in found["days"].split(",") for day in _days(part)}
    return [(day * DAY + begin, day * DAY + end) for day in sorted(days)]


def _days(part: str) -> list[int]:
    first, _, last = part.partition("-")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if minutes > 59 or hours * 60 + minutes > DAY:
        raise ValueError(text)
    return hours * 60 + minutes


@dataclass(frozen=True, slots=True)
class Week:
    """When something is open: the minutes of the week at which it opens and closes in turn, in a zone."""

    zone: ZoneInfo
    edges: tuple[int, ...]  # ascending; open from each even place to the odd one behind it; none: always closed

    def window(self, now_us: int) -> tuple[bool, int, int]:
        """(open, since, until): the state at a time in UTC microseconds, which stays as it is within [since, until).

        The window is as long as is cheaply known, at most a day to either side.
        """
        here = _local(self.zone, now_us)
        offset = _offset_us(here)
        minute = here.weekday() * DAY + here.hour * 60 + here.minute
        into_us = here.second * 1_000_000 + here.microsecond
        place = bisect_right(self.edges, minute)
        last = self.edges[place - 1] if place else 0
        following = self.edges[place] if place < len(self.edges) else WEEK
        since = now_us - into_us - min(minute - last, DAY) * MINUTE_US
        until = now_us - into_us + min(following - minute, DAY) * MINUTE_US
        return place % 2 == 1, _first_with(self.zone, offset, since, now_us), _end_of(self.zone, offset, now_us, until)


def week_of(times: Sequence[str], zone: str) -> Week:
    """When the union of these parts is open; the parts are of the grammar, the zone one that is known."""
    spans = sorted(span for part in times for span in parse_part(part))
    edges: list[int] = []
    for begin, end in spans:
        if edges and begin <= edges[-1]:
            edges[-1] = max(edges[-1], end)
        else:
            edges += [begin, end]
    return Week(zone_of(zone), tuple(edges))


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of the IANA; ValueError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError) as error:  # a folder, a name unknown, a path
        raise ValueError(name) from error


def is_open(times: Sequence[str], zone: str, now_us: int) -> bool:
    """Whether one of the parts holds now, part by part: the slow twin of Week."""
    here = _local(zone_of(zone), now_us)
    minute = here.weekday() * DAY + here.hour * 60 + here.minute
    return any(begin <= minute < end for part in times for begin, end in parse_part(part))


def _local(zone: ZoneInfo, time_us: int) -> datetime:
    """On the wall; a time that no calendar has is taken as the nearest that one has."""
    return (_EPOCH + timedelta(microseconds=min(max(time_us, _FIRST_US), _LAST_US))).astimezone(zone)


def _offset_us(here: datetime) -> int:
    offset = here.utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)


def _end_of(zone: ZoneInfo, offset: int, low: int, high: int) -> int:
    """The first time after `low`, up to `high`, at which the zone's offset is another; else `high`."""
    if _offset_us(_local(zone, high)) == offset:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_us(_local(zone, middle)) == offset else (low, middle)
    return high


def _first_with(zone: ZoneInfo, offset: int, low: int, high: int) -> int:
    """The first time from `low` on from which the zone's offset is as at `high`."""
    if _offset_us(_local(zone, low)) == offset:
        return low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset_us(_local(zone, middle)) == offset else (middle, high)
    return high
