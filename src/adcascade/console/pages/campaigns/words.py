"""A campaign in words: bid, goal, budgets, schedule, targeting; and what the history's values mean."""

from collections.abc import Iterator
from typing import Any

import msgspec

from adcascade.catalog.nouns import Billing, Campaign, FrequencyCap, Goal, Status, Targeting
from adcascade.console.words import UNKNOWN, moment, money

UNIT: dict[Billing, str] = {"click": "a click", "impression": "an impression"}
GOALS: dict[Goal, str] = {"clicks": "Clicks", "conversions": "Conversions", "reach": "Reach: as many people as it can"}
SPREAD = {"even": "spread evenly over the day", "fast": "spent as fast as it goes"}
TARGETS = {
    "scenarios": "Places in the shop",
    "devices": "Devices",
    "countries": "Countries",
    "regions": "Regions",
    "cities": "Cities",
    "categories": "Categories of the page",
    "blocked_categories": "Never in categories",
    "keywords": "Searches with",
    "negative_keywords": "Never searches with",
    "segments": "Audience in",
    "negative_segments": "Audience not in",
    "products": "Pages of products",
    "times": "Times of the week",
}
DEFAULTS = {
    field.name: field.default
    for field in msgspec.structs.fields(Campaign)
    if field.default and isinstance(field.default, str)
}
PERIODS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


class Fact(msgspec.Struct, frozen=True):
    """One line of what a campaign is."""

    label: str
    words: str


def state_of(campaign: Campaign, now_us: int) -> str:
    """What the status and the schedule make of it together."""
    if campaign.status != "active":
        return campaign.status
    if now_us < campaign.start_us:
        return f"begins {moment(campaign.start_us)} UTC"
    if campaign.end_us is not None and now_us >= campaign.end_us:
        return f"over since {moment(campaign.end_us)} UTC"
    return "active"


def bid_of(campaign: Campaign) -> str:
    """What is offered for what."""
    if campaign.target_micros is not None:
        return f"{money(campaign.target_micros, campaign.currency)} a conversion"
    return f"{money(campaign.bid_micros, campaign.currency)} {UNIT[campaign.billing]}"


def facts_of(campaign: Campaign, timezone: str) -> list[Fact]:
    """Goal, bid, budgets and schedule. timezone: of the advertiser, whose days its budgets are of."""
    currency, goal = campaign.currency, GOALS[campaign.goal]
    if campaign.target_micros is not None:
        goal += f" at {money(campaign.target_micros, currency)} each"
    facts = [Fact("Goal", goal), Fact("Bid", f"{bid_of(campaign)}, paid by the {campaign.billing}")]
    if campaign.margin_share is not None:
        facts.append(Fact("Never bids above", f"{campaign.margin_share:.0%} of the margin that a click should bring"))
    daily, total = campaign.daily_budget_micros, campaign.total_budget_micros
    spread = f"{SPREAD[campaign.pacing]}, days of {timezone}"
    facts += [
        Fact("Daily budget", "no limit" if daily is None else f"{money(daily, currency)}, {spread}"),
        Fact("Total budget", "no limit" if total is None else money(total, currency)),
        Fact("Schedule", schedule_of(campaign)),
    ]
    if campaign.caps:
        facts.append(Fact("How often", "; ".join(cap_of(cap) for cap in campaign.caps)))
    if campaign.deals:
        facts.append(Fact("Only for the deals", ", ".join(campaign.deals)))
    return facts


def schedule_of(campaign: Campaign) -> str:
    """From when to when."""
    begins = "from the beginning" if campaign.start_us <= 0 else f"from {moment(campaign.start_us)} UTC"
    return f"{begins}, {'without an end' if campaign.end_us is None else f'to {moment(campaign.end_us)} UTC'}"


def cap_of(cap: FrequencyCap) -> str:
    """At most so often.

    >>> cap_of(FrequencyCap(impressions=3, window_s=86_400)), cap_of(FrequencyCap(impressions=1, window_s=7_200))
    ('at most 3 times a day to one user (campaign)', 'at most 1 time in 2 hours to one user (campaign)')
    """
    seconds, period = next((size, name) for size, name in PERIODS if cap.window_s % size == 0)
    many = cap.window_s // seconds
    within = f"a{'n' if period == 'hour' else ''} {period}" if many == 1 else f"in {many} {period}s"
    return f"at most {cap.impressions} time{'s' * (cap.impressions != 1)} {within} to one user ({cap.level})"


def targets_of(targeting: Targeting) -> list[Fact]:
    """What is asked for; nothing: it may be seen everywhere."""
    return [
        Fact(label, ", ".join(values)) for name, label in TARGETS.items() if (values := getattr(targeting, name, ()))
    ]


def field_words(name: str) -> str:
    """A field of the catalog as a person says it.

    >>> field_words("daily_budget_micros"), field_words("targeting.negative_keywords")
    ('Daily budget', 'Targeting: negative keywords')
    """
    area, _, rest = name.removesuffix("_micros").removesuffix("_us").rpartition(".")
    said = rest.replace("_", " ")
    return f"{area}: {said}".capitalize() if area else said.capitalize()


def value_words(name: str, value: Any, currency: str) -> str:
    """A value of the history; None is the field's default, a dash where that says nothing.

    >>> value_words("status", None, "USD"), value_words("bid_micros", 500_000, "USD"), value_words("caps", None, "USD")
    ('active', '0.50 USD', '–')
    """
    match value:
        case None:
            return DEFAULTS.get(name, UNKNOWN)
        case int() if name.endswith("_micros"):
            return money(value, currency)
        case int() if name.endswith("_us"):
            return f"{moment(value)} UTC"
        case list():
            return ", ".join(_listed(value))
        case _:
            return str(value)


def _listed(values: list[Any]) -> Iterator[str]:
    for value in values:
        match value:
            case {"window_s": _}:
                yield cap_of(msgspec.convert(value, FrequencyCap))
            case {"id": look_id}:  # a creative
                yield f"{value.get('format', 'product')} {value.get('title') or look_id}"
            case _:
                yield str(value)


def status_words(status: Status) -> str:
    """As a column and a choice show it."""
    return status.capitalize()
