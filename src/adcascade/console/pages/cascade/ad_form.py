"""The form "Why was my ad not shown?": an ad, and a period that ends now or lies between two times.

Its address can be shared: `/cascade/ad?ad=a17&from=2026-03-29T08:00&to=2026-03-29T10:00` always asks the same.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from adcascade.console.form import Choice, Field, Form, Wrong, read, shown, wrong_of
from adcascade.errors import InputError

URL = "/cascade/ad"
HOUR_US = 3_600_000_000
PERIODS = {"hour": HOUR_US, "day": 24 * HOUR_US, "week": 7 * 24 * HOUR_US}  # that end now
BETWEEN = "between"
LATEST_US = 2**57
FIELDS = (
    Field(name="ad", label="Ad", hint="Its id.", required=True),
    Field(
        name="period",
        label="Period",
        kind="select",
        choices=(
            Choice("hour", "The last hour"), Choice("day", "The last 24 hours"), Choice("week", "The last 7 days"),
            Choice(BETWEEN, "From and to"),
        ),
    ),
    Field(name="from", label="From, UTC", hint="As 2026-03-29 08:00; where the period is from and to."),
    Field(name="to", label="To, UTC", hint="Empty: until now."),
)  # fmt: skip


class Question(NamedTuple):
    """Which ad, from when until before when."""

    ad: str
    from_us: int
    to_us: int


def check_ad(text: str) -> str:
    """An id."""
    if not text or len(text) > 200 or not text.isprintable():
        raise InputError("ad", text, "the id of an ad")
    return text


def check_period(text: str) -> str:
    """A name of a period."""
    if text not in {*PERIODS, BETWEEN}:
        raise InputError("period", text, f"one of {', '.join(PERIODS)} or {BETWEEN}")
    return text


def check_moment(text: str) -> int | None:
    """UTC microseconds of a time; None where nothing is written."""
    if not text:
        return None
    wrong = InputError("time", text, "a time of UTC such as 2026-03-29 08:00")
    try:
        time = datetime.fromisoformat(text)
        told_us = round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1e6)
    except (ValueError, OverflowError) as error:
        raise wrong from error
    if not 0 <= told_us < LATEST_US:
        raise wrong
    return told_us


CHECKS = {"ad": check_ad, "period": check_period, "from": check_moment, "to": check_moment}


def values_of(query: Mapping[str, str]) -> dict[str, str]:
    """The fields of an address; without a period it lies between times, where it names one, and is else a day."""
    period = BETWEEN if query.get("from") or query.get("to") else "day"
    return shown(FIELDS, {"period": period} | dict(query))


def asked_of(values: Mapping[str, str], now_us: int) -> tuple[Question | None, dict[str, Wrong]]:
    """What the fields ask, or what is wrong with them."""
    good, wrong = read(values, CHECKS)
    if wrong:
        return None, wrong
    if good["period"] != BETWEEN:
        return Question(good["ad"], now_us - PERIODS[good["period"]], now_us), {}
    if good["from"] is None:
        return None, {"from": wrong_of(InputError("from", "", "a time", "or choose another period"))}
    to_us = now_us if good["to"] is None else good["to"]
    if good["from"] >= to_us:
        return None, {"to": wrong_of(InputError("to", values["to"], "a time after the first one"))}
    return Question(good["ad"], good["from"], to_us), {}


def link_of(ad: str, from_us: int, to_us: int) -> str:
    """The address that asks just this, at any time."""
    return f"{URL}?{urlencode({'ad': ad, 'from': _written(from_us), 'to': _written(to_us)}, safe=':')}"


def _written(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def form_of(values: Mapping[str, str], wrong: dict[str, Wrong] | None = None) -> Form:
    """The form, with what was typed."""
    return Form(action=URL, fields=FIELDS, submit="Ask", values=dict(values), wrong=wrong or {})
