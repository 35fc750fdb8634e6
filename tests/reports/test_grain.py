"""Laws of the grain: a day is a day of its zone, also where the clock changes."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.reports.grain import GRAINS, Grain, begin_of, begins_of, zone_of

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]).map(zone_of)
TIMES = st.integers(0, 4 * 10**15)


@given(times=st.lists(TIMES, max_size=20), grain=st.sampled_from(GRAINS), zone=ZONES)
def test_many_are_as_one(times: list[int], grain: Grain, zone: object) -> None:
    """Looked up by quarters, each time has its own beginning."""
    found = begins_of(np.array(times, np.int64), grain, zone)  # type: ignore[arg-type]
    assert found.tolist() == [begin_of(time_us, grain, zone) for time_us in times]  # type: ignore[arg-type]


@given(time_us=TIMES, zone=ZONES)
def test_a_day_begins_at_midnight_and_a_week_on_monday(time_us: int, zone: object) -> None:
    """In the zone; never after the time itself, never more than a day of 25 hours (a week and an hour) before it."""
    for grain, longest_h in (("day", 25), ("week", 7 * 24 + 24)):
        begin_us = begin_of(time_us, grain, zone)  # type: ignore[arg-type]
        local = datetime.fromtimestamp(begin_us // 10**6, zone)  # type: ignore[arg-type]
        assert (local.hour, local.minute) == (0, 0)
        assert grain == "day" or local.weekday() == 0
        assert 0 <= time_us - begin_us < longest_h * 3_600_000_000


def test_the_day_of_the_changed_clock() -> None:
    """29 March 2026 in Berlin has 23 hours: 22:30 UTC is the next day already, 22:30 the day before was not."""
    berlin = zone_of("Europe/Berlin")
    evening = round(datetime(2026, 3, 29, 22, 30, tzinfo=UTC).timestamp()) * 10**6
    begins = [begin_of(evening - hours * 3_600_000_000, "day", berlin) for hours in (0, 1, 23, 24)]
    assert [(evening - begin) / 3.6e9 for begin in begins] == [0.5, 23.5, 23.5, 47.5]


def test_an_unknown_zone_is_said() -> None:
    """Field, value and what would do."""
    with pytest.raises(InputError, match="Europe/Berlin"):
        zone_of("Atlantis")
