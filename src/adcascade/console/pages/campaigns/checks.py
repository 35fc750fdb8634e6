"""Checks: what a field's text means, for forms of campaigns and ads. Each raises InputError with what it expected.

Money is typed in units of the currency, "12.50", and becomes micros exactly.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from adcascade.catalog.limits import check_id, check_image, check_money, check_text, check_url
from adcascade.catalog.week import GRAMMAR, parse_part
from adcascade.console.form import Check
from adcascade.errors import InputError
from adcascade.money.amounts import micros_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = re.compile(r"0+(\.0*)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
NAME = 1_000  # characters of a line


def name(text: str) -> str:
    """One line, not empty."""
    if not text or len(text) > NAME or not text.isprintable():
        raise InputError("name", text, f"1 to {NAME} printable characters")
    return text


def line(text: str) -> str:
    """One line, or nothing."""
    return name(text) if text else ""


def noun_id(text: str) -> str:
    """What a key of the catalog may be, on one line."""
    check_id(text, "id")
    return name(text)


def currency(text: str) -> str:
    """Three letters."""
    if not _CURRENCY.fullmatch(text):
        raise InputError("currency", text, "three capital letters of ISO 4217, like USD")
    return text


def money(text: str) -> int | None:
    """Micros of units of the currency; None where nothing is typed.

    >>> money("12.50"), money("0"), money("")
    (12500000, 0, None)
    """
    if not text:
        return None
    micros = 0 if _NOTHING.fullmatch(text) else micros_of(text)
    check_money(micros, "amount")
    return micros


def margin(text: str) -> int | None:
    """As `money`, and less than nothing where each one sold loses."""
    micros = money(text.removeprefix("-"))
    return -micros if micros is not None and text.startswith("-") else micros


def share(text: str) -> float | None:
    """Percent as a share of one; None where nothing is typed."""
    if not text:
        return None
    try:
        told = Decimal(text) / 100
    except InvalidOperation:
        raise InputError("percent", text, "percent, as 50") from None
    if not (told.is_finite() and 0 < told <= 1):
        raise InputError("percent", text, "more than 0, at most 100 percent")
    return float(told)


def whole(low: int, high: int) -> Callable[[str], int | None]:
    """A check for whole numbers of a range; None where nothing is typed."""

    def check(text: str) -> int | None:
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 19 and low <= int(text) <= high):
            raise InputError("number", text, f"a whole number from {low:,} to {high:,}")
        return int(text)

    return check


def seconds(text: str) -> int:
    """Milliseconds of seconds with at most three decimals; 0 where nothing is typed."""
    if not text:
        return 0
    try:
        told = Decimal(text) * 1000
    except InvalidOperation:
        raise InputError("seconds", text, "seconds, as 15 or 12.5") from None
    if not (told.is_finite() and told == told.to_integral_value() and 0 <= told < 2**31):
        raise InputError("seconds", text, "seconds with at most three decimals, as 12.5")
    return int(told)


def one_of(values: Sequence[str]) -> Check:
    """A check for a choice."""

    def check(text: str) -> str:
        if text not in values:
            raise InputError("choice", text, " or ".join(value or "nothing" for value in values))
        return text

    return check


def lines(text: str) -> tuple[str, ...]:
    """What stands on each line, without empty ones, each once."""
    found = tuple(dict.fromkeys(one.strip() for one in text.splitlines() if one.strip()))
    for one in found:
        check_text(one, "line")
    return found


def times(text: str) -> tuple[str, ...]:
    """Parts of the week, one a line."""
    found = lines(text)
    for part in found:
        try:
            parse_part(part)
        except ValueError:
            raise InputError("time", part, GRAMMAR) from None
    return found


def attributes(text: str) -> dict[str, str | float]:
    """Columns, one a line: "colour: red". What is a number is one."""
    found: dict[str, str | float] = {}
    for one in lines(text):
        key, colon, value = (part.strip() for part in one.partition(":"))
        if not (key and colon and value) or key in found:
            raise InputError("attribute", one, 'a name of its own, a colon and a value, as "colour: red"')
        found[key] = _number(value)
    return found


def _number(text: str) -> str | float:
    try:
        told = float(text)
    except ValueError:
        return text
    return told if abs(told) < float("inf") else text


def address(text: str) -> str:
    """Absolute, over HTTP; or nothing."""
    check_url(text, "address")
    return text


def picture(text: str) -> str:
    """An address, or the picture itself as a data URI; or nothing."""
    check_image(text, "picture")
    return text


def wall_time(zone: ZoneInfo) -> Callable[[str], int | None]:
    """A check for a day and a time on the wall there, in UTC microseconds; None where nothing is typed.

    A time that is there twice is the first of the two; one that clocks put forward leave out is refused.
    """

    def check(text: str) -> int | None:
        if not text:
            return None
        try:
            told = datetime.fromisoformat(text)
        except ValueError:
            told = None
        if told is None or told.tzinfo is not None:
            raise InputError("time", text, "a day and a time, as 2026-05-01T08:00")
        try:
            here = told.replace(tzinfo=zone).astimezone(UTC)
            again = here.astimezone(zone).replace(tzinfo=None)
        except OverflowError:
            raise InputError("time", text, "a year from 1 to 9999") from None
        if again != told:
            expected = f"a time that clocks in {zone.key} show: they are put forward over this one"
            raise InputError("time", text, expected, "take one an hour later")
        return (here - _EPOCH) // timedelta(microseconds=1)

    return check


def wall_text(time_us: int | None, zone: ZoneInfo) -> str:
    """As `wall_time` reads it; "" for None and for what no calendar has.

    >>> wall_text(1_750_000_000_000_000, ZoneInfo("Europe/Berlin"))
    '2025-06-15T17:06:40'
    """
    if time_us is None:
        return ""
    try:
        here = (_EPOCH + timedelta(microseconds=time_us)).astimezone(zone)
    except OverflowError:
        return ""
    told = here.replace(tzinfo=None, microsecond=0).isoformat(timespec="seconds")
    return told.removesuffix(":00")


def trimmed(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts as browsers send them and as they are compared: without blanks around, lines ended alike."""
    return {key: text.replace("\r\n", "\n").strip() for key, text in texts.items()}
