"""Laws of parts of the week: the grammar, the clock on the wall, and windows that hold what they promise."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.catalog.week import DAYS, is_open, parse_part, week_of

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> int:
    """UTC microseconds of a time on the wall."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("mon", [(0, 1440)]),
        ("mon-tue 08:00-18:30", [(480, 1110), (1920, 2550)]),
        ("sun,tue 23:00-24:00", [(2820, 2880), (10020, 10080)]),
        ("sat-mon 00:00-00:01", [(0, 1), (7200, 7201), (8640, 8641)]),
    ],
)
def test_the_grammar(text: str, spans: list[tuple[int, int]]) -> None:
    """Days, ranges that go over the weekend, times up to 24:00."""
    assert parse_part(text) == spans


@pytest.mark.parametrize(
    "text",
    [
        *("", "monday", "mon,", "MON", "mon 08:00", "08:00-09:00", "mon  08:00-09:00", "mon 08:00-09:00 "),
        *(
            "mon 8:00-9:00",
            "mon 09:00-09:00",
            "mon 10:00-09:00",
            "mon 00:00-24:01",
            "mon 00:60-01:00",
            "mon 25:00-26:00",
        ),
        "mon ٠٨:00-09:00",
    ],
)
def test_what_is_no_part_of_the_week(text: str) -> None:
    """ValueError for everything else."""
    with pytest.raises(ValueError, match="no part of the week"):
        parse_part(text)


def test_the_clock_on_the_wall_decides() -> None:
    """The hour that summer time leaves out never comes, the one that it repeats comes twice."""
    spring, autumn = ["sun 02:30-03:00"], ["sun 02:15-02:45"]
    assert not any(is_open(spring, "Europe/Berlin", at("2026-03-29T00:00") + m * 60_000_000) for m in range(24 * 60))
    assert is_open(spring, "Europe/Berlin", at("2026-03-22T02:30"))
    assert [is_open(autumn, "Europe/Berlin", at("2026-10-25T02:30", fold=fold)) for fold in (0, 1)] == [True, True]
    assert not is_open(autumn, "Europe/Berlin", at("2026-10-25T02:50"))


parts = st.builds(
    lambda first, last, times: f"{first}-{last} {times}",
    st.sampled_from(DAYS),
    st.sampled_from(DAYS),
    st.tuples(st.integers(0, 1439), st.integers(1, 1440))
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: "-".join(f"{m // 60:02}:{m % 60:02}" for m in pair)),
)
# anywhere in 2026, or within an hour of a change of summer time in two of the zones
moments = st.one_of(
    st.integers(at("2026-01-01"), at("2027-01-01")),
    st.sampled_from(
        ["2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-04-04T15:00"]
    )
    .map(lambda text: at(text, ZoneInfo("UTC")))
    .flatmap(lambda t: st.integers(t - 3_600_000_000, t + 3_600_000_000)),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(parts, min_size=1, max_size=3), st.sampled_from(ZONES), moments, st.floats(0, 1))
def test_a_window_holds_what_it_promises(times: list[str], zone: str, now_us: int, where: float) -> None:
    """The state now is that part by part, and it is the same everywhere in [since, until)."""
    state, since, until = week_of(times, zone).window(now_us)
    assert state == is_open(times, zone, now_us)
    assert since <= now_us < until <= now_us + 86_400_000_000
    for moment in (since, since + int(where * (until - 1 - since)), until - 1):
        assert is_open(times, zone, moment) == state
