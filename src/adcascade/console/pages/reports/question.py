"""The question of a report, from the fields of its address.

Every field has a value of its own (`DEFAULTS`), so an address may hold any of them, and the same address always asks
the same thing. A metric is asked for by `metric_ctr=yes`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from adcascade.errors import InputError
from adcascade.events.attribution.rule import Rule
from adcascade.reports.columns import BY_NAME
from adcascade.reports.grain import Grain, zone_of
from adcascade.reports.metrics import BY_NAME as METRICS
from adcascade.reports.query import Question

DAYS = {"1": "1 day", "7": "7 days", "28": "28 days", "91": "91 days", "364": "364 days"}
GRAINS = {"": "No", "hour": "Hour", "day": "Day", "week": "Week"}
COMPARED = {"": "Nothing", "before": "The period before", "year": "The same days of last year"}
RULES = {"named": "Bid the shop named", "settings": "Rule of adcascade.toml", "click": "Last click"}
DEFAULTS = {
    "by": "campaign", "also": "", "grain": "", "days": "7", "until": "", "zone": "UTC", "compare": "", "rule": "named",
    "where": "", "is": "", "top": "20",
}  # fmt: skip
USUAL = ("revenue", "impressions", "clicks", "ctr", "conversions", "roas")
MOST_TOP = 1000
METRIC = "metric_"  # and its name: a word that asks for it


def question_of(query: Mapping[str, str], now_us: int, sees: tuple[str, ...] = ()) -> Question:
    """What an address asks; InputError names the field that cannot be used.

    sees: the only advertisers that the visitor may see; none: all.
    """
    values = values_of(query)
    for name, choices in (("days", DAYS), ("grain", GRAINS), ("compare", COMPARED), ("rule", RULES)):
        if values[name] not in choices:
            raise InputError(name, values[name], "one of " + ", ".join(one or "nothing" for one in choices))
    from_us, to_us, last_day = _period(values, now_us)
    back = {"": 0, "before": int(values["days"]), "year": 364}[values["compare"]]
    where = _where(values, sees)
    by = tuple(name for name in (values["by"], values["also"]) if name)
    return Question(
        metrics=chosen_metrics(query, of_ads=bool(sees)),
        by=by, grain=cast("Grain | None", values["grain"] or None), zone=values["zone"], from_us=from_us, to_us=to_us,
        where=where, top=_top(values["top"]),
        compare_us=_midnight(last_day - timedelta(int(values["days"]) - 1 + back), values["zone"]) if back else None,
    )  # fmt: skip


def values_of(query: Mapping[str, str]) -> dict[str, str]:
    """The address's fields, each its own value where it is not given."""
    return {name: query.get(name, default).strip() for name, default in DEFAULTS.items()}


def rule_of(name: str, configured: Rule) -> Rule | None:
    """The rule of attribution of the form's choice; None: as the log names bids."""
    return {"named": None, "settings": configured, "click": Rule(view_us=0, direct=False)}[name]


def chosen_metrics(query: Mapping[str, str], *, of_ads: bool = False) -> tuple[str, ...]:
    """Names of the metrics of an address in its order, else the usual ones. of_ads: requests as such are not told."""
    values = values_of(query)
    told_by = (values["by"], values["also"], values["where"])
    of_ads = of_ads or any(BY_NAME[name].of_ads for name in told_by if name in BY_NAME)
    asked = tuple(name for name in _metrics_in(query) if name in METRICS)
    return asked or (USUAL if of_ads else ("requests", "rpm", *USUAL))


def unknown_metrics(query: Mapping[str, str]) -> tuple[str, ...]:
    """Names of metrics that an address asks for and this version does not know."""
    return tuple(name for name in _metrics_in(query) if name not in METRICS)


def _metrics_in(query: Mapping[str, str]) -> list[str]:
    return [word.removeprefix(METRIC) for word in query if word.startswith(METRIC)]


def _where(values: Mapping[str, str], sees: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The filters: the form's own, and only the advertisers that the visitor sees."""
    where: dict[str, tuple[str, ...]] = {values["where"]: (values["is"],)} if values["where"] else {}
    if not sees:
        return where
    asked = where.get("advertiser", sees)
    if not set(asked) <= set(sees):
        raise InputError("is", values["is"], "an advertiser of your key", ", ".join(sees))
    return where | {"advertiser": asked}


def _top(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_TOP:
        raise InputError("top", text, f"a whole number from 1 to {MOST_TOP}")
    return int(text)


def _period(values: Mapping[str, str], now_us: int) -> tuple[int, int, date]:
    """First and behind the last microsecond, and the last day: `days` days of the zone, up to now or a day's end."""
    today = datetime.fromtimestamp(now_us / 1e6, zone_of(values["zone"])).date()
    try:
        last = date.fromisoformat(values["until"]) if values["until"] else today
        begin = last - timedelta(int(values["days"]) - 1)
        return _midnight(begin, values["zone"]), _midnight(last + timedelta(1), values["zone"]), last
    except (ValueError, OverflowError) as error:
        raise InputError("until", values["until"], "a day such as 2026-03-29, or nothing for today") from error


def _midnight(day: date, zone: str) -> int:
    return round(datetime.combine(day, time.min, zone_of(zone)).astimezone(UTC).timestamp()) * 1_000_000
