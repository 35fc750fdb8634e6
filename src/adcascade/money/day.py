"""Days of budgets: UTC, numbered from 1970-01-01."""

DAY_US = 86_400_000_000


def day_of(time_us: int) -> int:
    """Number of the UTC day that holds this instant (microseconds since 1970)."""
    return time_us // DAY_US


def day_start(day: int) -> int:
    """First microsecond of a day."""
    return day * DAY_US
