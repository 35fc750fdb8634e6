"""Words: numbers and times as pages write them. What is not known is a dash, never a zero."""

from datetime import UTC, datetime
from math import ceil

UNKNOWN = "–"
MICROS = 1e6


def number(value: float | None, digits: int | None = None) -> str:
    """1,234,567 or 12.3; without `digits`, as many as three significant figures need.

    >>> number(1234567), number(12.345), number(0.01234), number(None)
    ('1,234,567', '12.3', '0.0123', '–')
    """
    if value is None:
        return UNKNOWN
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2 if size >= 1 else 4
    return f"{value:,.{digits}f}"


def money(micros: float | None, currency: str = "") -> str:
    """Micros as money.

    >>> money(1_234_560_000, "USD"), money(None)
    ('1,234.56 USD', '–')
    """
    if micros is None:
        return UNKNOWN
    return f"{micros / MICROS:,.2f} {currency}".rstrip()


def percent(share: float | None, digits: int = 1) -> str:
    """A share of one.

    >>> percent(0.1234), percent(None)
    ('12.3 %', '–')
    """
    return UNKNOWN if share is None else f"{share * 100:,.{digits}f} %"


def clock(time_us: int) -> str:
    """Time of day, UTC.

    >>> clock(1_750_000_000_000_000)
    '15:06:40'
    """
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%H:%M:%S")


def seconds(wait_s: float) -> str:
    """A wait in whole seconds, at least one.

    >>> seconds(0.05), seconds(2.1)
    ('1 second', '3 seconds')
    """
    whole = max(1, ceil(wait_s))
    return f"{whole} second{'s' if whole > 1 else ''}"


def moment(time_us: int | None) -> str:
    """Day and minute, UTC.

    >>> moment(1_750_000_000_000_000), moment(None)
    ('2025-06-15 15:06', '–')
    """
    return UNKNOWN if time_us is None else datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
