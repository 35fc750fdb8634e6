"""What became of impressions: the labels of a row, the windows within which they count, and what a join counts."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class JoinCounts:
    """What a join met and what it left out; it is filled while the tables are drawn."""

    rows: int = 0
    clicks: int = 0  # among the rows
    conversions: int = 0  # among the rows
    immature: int = 0  # clicked rows whose conversion is not settled: null
    unseen: int = 0  # winners whose impression never came
    unripe: int = 0  # impressions whose click window is still open
    orphan_impressions: int = 0  # without an auction, or long after it
    late_impressions: int = 0  # arrived after younger rows had left
    repeated_impressions: int = 0
    orphan_clicks: int = 0  # without an impression, or long after it
    repeated_clicks: int = 0
    orphan_conversions: int = 0  # without a click, or long after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The labels of one impression."""

    click_us: int | None = None
    conversion: float | None = 0.0  # None: not settled
    conversion_us: int | None = None
    value_micros: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How long outcomes are waited for, in microseconds of event time."""

    click_us: int  # after the impression
    conversion_us: int  # after the click
    lateness_us: int  # how much later than others of its time an event may stand in the log
    until_us: int  # "now": what happened later is unknown
