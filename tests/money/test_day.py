"""Days of money: they tile time, follow the local calendar, and a change of zone never gives away a day."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.money.day import DAY_US, Calendar, Day, date_of, local_day, number_of

HOUR_US = 3_600_000_000
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
)
zones = st.sampled_from(ZONES)
instants = st.integers(0, 60 * 365 * DAY_US)


@given(zone=zones, time_us=instants)
def test_days_tile_time(zone: str, time_us: int) -> None:
    """Every instant lies in exactly one day, the next day begins where it ends, and numbers never fall."""
    day = local_day(zone, time_us)
    assert day.holds(time_us)
    following = local_day(zone, day.ends_us)
    assert following.begins_us == day.ends_us
    assert day.number < following.number <= day.number + 2  # Samoa skipped a date
    assert local_day(zone, day.ends_us - 1) == day


@given(zone=zones, time_us=instants)
def test_a_day_is_the_local_date(zone: str, time_us: int) -> None:
    """The number is the date on the wall there, but for the hour that clocks put back over midnight repeat."""
    wall = datetime.fromtimestamp(time_us // 1_000_000, ZoneInfo(zone)).date()
    shown = date_of(local_day(zone, time_us).number)
    later = datetime.fromtimestamp(time_us // 1_000_000 - 2 * 3600, ZoneInfo(zone)).date()
    assert shown == wall or (shown - wall == timedelta(days=1) and later <= wall)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 7, 1), 24),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),  # midnight itself did not exist
        ("America/Havana", date(2026, 11, 1), 25),  # midnight came twice
    ],
)
def test_days_of_23_and_25_hours(zone: str, day: date, hours: float) -> None:
    """Where clocks are moved the day is as long as it was."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    found = local_day(zone, round(noon.astimezone(UTC).timestamp()) * 1_000_000)
    assert found.number == number_of(day)
    assert found.ends_us - found.begins_us == hours * HOUR_US


@given(start=instants, changes=st.lists(st.tuples(zones, st.integers(0, 3 * DAY_US)), max_size=6), first=zones)
def test_a_change_of_zone_gives_no_second_day(start: int, changes: list[tuple[str, int]], first: str) -> None:
    """Whatever zones an advertiser goes through, its days tile time in rising order, and none is cut short.

    So within any 22.5 hours, the shortest day of a zone with its clocks put forward, at most two days are met: the
    one that ends and the one that begins.
    """
    calendar, now_us = Calendar(first), start
    seen = [calendar.day(now_us)]
    for zone, wait in changes:
        end_us = now_us + wait
        while (day := calendar.day(min(seen[-1].ends_us, end_us))) != seen[-1]:
            seen.append(day)
        now_us = end_us
        calendar = calendar.changed(zone, now_us)
        after = calendar.day(now_us)
        if after.begins_us == now_us > seen[-1].begins_us:  # a midnight of the new zone falls on this very instant
            seen[-1:] = [Day(seen[-1].number, seen[-1].begins_us, now_us), after]
            continue
        assert (after.number, after.begins_us) == (seen[-1].number, seen[-1].begins_us)
        seen[-1] = after
    for before, after in pairwise(seen):
        assert after.begins_us == before.ends_us
        assert after.number > before.number
    for day in seen[1:]:
        assert day.ends_us - day.begins_us >= 22.5 * HOUR_US
    assert calendar.timezone == (changes[-1][0] if changes else first)


@given(zone=zones, other=zones, time_us=instants, wait=st.integers(0, DAY_US))
def test_a_change_taken_back_on_the_same_day_changes_nothing(zone: str, other: str, time_us: int, wait: int) -> None:
    """Back in the old zone while the day still runs that was running, days are as if nothing had been."""
    calendar = Calendar(zone)
    day = calendar.day(time_us)
    there = calendar.changed(other, time_us)
    back_us = min(time_us + wait, day.ends_us - 1)
    back = there.changed(zone, back_us)
    for instant in (back_us, day.ends_us - 1, day.ends_us, day.ends_us + DAY_US):
        assert back.day(instant) == calendar.day(instant)


def test_the_rule_by_example() -> None:
    """From Los Angeles to Tokyo in the evening of the 2nd (13:00 UTC): that day ends at Tokyo's midnight after it."""
    utc = datetime(2026, 6, 2, 13, tzinfo=UTC)
    now_us = round(utc.timestamp()) * 1_000_000
    calendar = Calendar("America/Los_Angeles").changed("Asia/Tokyo", now_us)
    day = calendar.day(now_us)
    assert date_of(day.number) == date(2026, 6, 2)
    ends = datetime.fromtimestamp(day.ends_us / 1e6, UTC)
    assert ends == datetime(2026, 6, 3, 15, tzinfo=UTC)  # 32 hours after it began; the 3rd of Tokyo is passed over
    assert date_of(calendar.day(day.ends_us).number) == date(2026, 6, 4)


def test_a_zone_that_does_not_exist_is_named() -> None:
    """InputError says what was given."""
    with pytest.raises(InputError, match="Mars/Olympus"):
        local_day("Mars/Olympus", 1)
