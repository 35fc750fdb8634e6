"""What the form of a campaign takes: a check for each field, and the rules that tie some of them together.

They are at least as strict as `catalog/rules.py`, which is asked last; a law of the tests says so.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args
from zoneinfo import ZoneInfo

from adcascade.catalog.nouns import Billing, CapLevel, Goal, Status
from adcascade.catalog.targeting_rules import LONGEST_S, MOST_IMPRESSIONS
from adcascade.catalog.week import zone_of
from adcascade.console.form import Check, Rule
from adcascade.console.pages.campaigns import checks
from adcascade.console.pages.campaigns.draft import LISTS, MATCHES, SECONDS, amount, window_of
from adcascade.console.pages.campaigns.fields import Shape
from adcascade.console.pages.campaigns.words import SPREAD
from adcascade.errors import InputError


def checks_of(shape: Shape, payer: Check) -> dict[str, Check]:
    """By field. payer: of the field "advertiser"."""
    zone = ZoneInfo(shape.zone)
    found: dict[str, Check] = {
        "name": checks.name if shape.new else checks.line,
        "advertiser": payer,
        "status": checks.one_of(get_args(Status)),
        "goal": checks.one_of(get_args(Goal)),
        "billing": checks.one_of(get_args(Billing)),
        "pacing": checks.one_of(tuple(SPREAD)),
        "bid": checks.money, "target": checks.money, "daily": checks.money, "total": checks.money,
        "margin": checks.share,
        "start": checks.wall_time(zone), "end": checks.wall_time(zone),
        "deals": checks.lines,
    }  # fmt: skip
    found |= {name: checks.times if name == "times" else checks.lines for name in LISTS}
    found |= {f"keywords_{match}": checks.lines for match in MATCHES}
    if shape.new:
        found |= {"id": checks.noun_id, "payer_name": checks.line, "payer_zone": zone_name}
        found["currency"] = checks.currency if not shape.currency else checks.one_of((shape.currency, ""))
    for i in range(shape.caps):
        found |= {
            f"cap{i}_times": checks.whole(1, MOST_IMPRESSIONS), f"cap{i}_many": checks.whole(1, LONGEST_S),
            f"cap{i}_unit": checks.one_of(tuple(SECONDS)), f"cap{i}_level": checks.one_of(get_args(CapLevel)),
        }  # fmt: skip
    return found


def zone_name(text: str) -> str:
    """A zone of the IANA; UTC where nothing is typed."""
    try:
        return zone_of(text or "UTC").key
    except ValueError:
        raise InputError("zone", text, "a time zone of the IANA, such as Europe/Berlin") from None


# ---- rules


def _end_after_start(good: Mapping[str, Any]) -> None:
    if good["end"] is not None and good["end"] <= (good["start"] or 0):
        raise InputError("end", "", "a time after the start")


def _end_to_come(now_us: int) -> Callable[[Mapping[str, Any]], None]:
    def check(good: Mapping[str, Any]) -> None:
        if good["end"] is not None and good["end"] <= now_us:
            raise InputError("end", "", "a time to come")

    return check


def _daily_within_total(good: Mapping[str, Any]) -> None:
    if good["daily"] is not None and good["total"] is not None and good["daily"] > good["total"]:
        raise InputError("daily", amount(good["daily"]), f"at most the total budget, {amount(good['total'])}")


def _bid_within(budget: str, words: str) -> Callable[[Mapping[str, Any]], None]:
    def check(good: Mapping[str, Any]) -> None:
        if good[budget] is not None and (good["bid"] or 0) > good[budget]:
            raise InputError("bid", amount(good["bid"]), f"at most the {words}, {amount(good[budget])}")

    return check


def _target_for_conversions(good: Mapping[str, Any]) -> None:
    if good["target"] is not None and good["goal"] != "conversions":
        raise InputError("target", amount(good["target"]), "nothing for this goal", "choose the goal “Conversions”")


def _bid_or_target(good: Mapping[str, Any]) -> None:
    if not good["bid"] and not (good["goal"] == "conversions" and good["target"]):
        remedy = "or the cost of a conversion" if good["goal"] == "conversions" else ""
        raise InputError("bid", amount(good["bid"]), "more than 0", remedy)


def _payer(good: Mapping[str, Any]) -> None:
    if not good["advertiser"] and not good["payer_name"]:
        raise InputError("advertiser", "", "an advertiser that there is", "or name a new one")
    if good["advertiser"] and good["payer_name"]:
        raise InputError(
            "payer_name", good["payer_name"], "nothing: an advertiser is chosen above", "empty one of both"
        )


def _cap_rules(i: int) -> list[Rule]:
    def window(good: Mapping[str, Any]) -> None:
        if good[f"cap{i}_times"] is not None and window_of(good, i) > LONGEST_S:
            raise InputError(f"cap{i}_many", str(good[f"cap{i}_many"]), f"at most {LONGEST_S // 86_400} days")

    def another(good: Mapping[str, Any]) -> None:
        if good[f"cap{i}_times"] is None:
            return
        mine = good[f"cap{i}_level"], window_of(good, i)
        for j in range(i):
            if good[f"cap{j}_times"] is not None and mine == (good[f"cap{j}_level"], window_of(good, j)):
                raise InputError(f"cap{i}_times", "", f"another time or another count than limit {j + 1} has")

    own = tuple(f"cap{i}_{name}" for name in ("times", "many", "unit", "level"))
    before = tuple(f"cap{j}_{name}" for j in range(i) for name in ("times", "many", "unit", "level"))
    return [Rule(own, window), Rule((*own, *before), another)]


def rules_of(shape: Shape, *, bids: bool = True) -> list[Rule]:
    """In the order in which they are asked. bids: the campaign must bid by itself."""
    rules = [
        Rule(("start", "end"), _end_after_start),
        Rule(("daily", "total"), _daily_within_total),
        Rule(("goal", "target"), _target_for_conversions),
        Rule(("bid", "daily"), _bid_within("daily", "daily budget")),
        Rule(("bid", "total"), _bid_within("total", "total budget")),
    ]
    if bids:
        rules.append(Rule(("goal", "bid", "target"), _bid_or_target))
    if shape.new:
        rules += [Rule(("advertiser", "payer_name"), _payer), Rule(("end",), _end_to_come(shape.now_us))]
    return rules + [rule for i in range(shape.caps) for rule in _cap_rules(i)]
