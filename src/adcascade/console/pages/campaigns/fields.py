"""The form of a campaign: its fields, in groups. Their checks and rules are in `rules.py`."""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from adcascade.catalog.nouns import CapLevel, Status
from adcascade.console.form import Choice, Field, Group, Kind
from adcascade.console.pages.campaigns.draft import MATCHES, SECONDS
from adcascade.console.pages.campaigns.words import GOALS, SPREAD, TARGETS, status_words

MOST_CAPS = 20  # rows of limits that the button asks for
LEVELS: dict[CapLevel, str] = {
    "campaign": "this campaign", "ad": "each ad", "creative": "each creative", "ad_group": "each ad group",
    "advertiser": "all of the advertiser",
}  # fmt: skip
HINTS = {
    "scenarios": "One a line, as the pages name theirs: search, home ...",
    "devices": "One a line, as requests name them.",
    "countries": "One a line: DE, AT ...",
    "regions": "One a line, by ISO 3166-2: US-CA ...",
    "cities": "One a line, as requests name them.",
    "categories": "One a line: sports/shoes; what lies below is included.",
    "blocked_categories": "One a line.",
    "products": "One id a line: seen on pages about these.",
    "segments": "One a line; users in any of them.",
    "negative_segments": "One a line; users in none of them.",
    "negative_keywords": "One a line, side by side as written; “exact:” or “broad:” in front says otherwise.",
    "times": "One part of the week a line: mon-fri 08:00-18:30, or sat,sun 10:00-24:00. Empty: always.",
}
IN_GROUP = {
    "schedule": ("times",),
    "places": (
        "scenarios",
        "devices",
        "countries",
        "regions",
        "cities",
        "categories",
        "blocked_categories",
        "products",
    ),
    "searches": ("negative_keywords",),
    "audience": ("segments", "negative_segments"),
}


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a form of a campaign asks for. new: it is not there yet; payer: a new advertiser may be made with it;
    payers: some of those that there are; now_us: it may not end before;
    currency: "" where the catalog has none yet; zone: whose clock counts."""

    new: bool
    payer: bool = False
    payers: tuple[Choice, ...] = ()
    now_us: int = 0
    currency: str = ""
    zone: str = "UTC"
    caps: int = 1


def _choices(words: Mapping[Any, str]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in words.items())


def fields_of(shape: Shape) -> tuple[Field, ...]:
    """All fields, in order."""
    return (*_head(shape), *_money(shape.currency), *_schedule(shape.zone), *_caps(shape.caps), *_targeting())


def _head(shape: Shape) -> list[Field]:
    statuses = get_args(Status)[:2] if shape.new else get_args(Status)
    fields = [Field(name="name", label="Name", group="campaign", required=True)]
    if shape.new:
        hint = "Id or name; who pays." + (" Or make a new one below." if shape.payer else "")
        fields += [
            Field(
                name="advertiser", label="Advertiser", kind="suggest", group="campaign", hint=hint,
                choices=shape.payers, options_url="/campaign-advertisers",
            ),
            Field(name="id", label="Id", group="campaign", required=True, hint="As the API names it; for good."),
        ]  # fmt: skip
    fields.append(
        Field(
            name="status", label="Status", kind="select", group="campaign",
            choices=tuple(Choice(one, status_words(one)) for one in statuses),
        )
    )  # fmt: skip
    if shape.payer:
        fields += [
            Field(name="payer_name", label="Name of a new advertiser", group="payer"),
            Field(name="payer_zone", label="Its time zone", group="payer", hint="Such as Europe/Berlin; empty: UTC."),
        ]
    if shape.new and not shape.currency:
        fields.append(
            Field(name="currency", label="Currency", group="money", hint="Of all campaigns, for good: USD, EUR ...")
        )
    return fields


def _money(currency: str) -> list[Field]:
    unit = currency or "the currency"

    def one(name: str, label: str, hint: str, kind: Kind = "number", words: Mapping[Any, str] | None = None) -> Field:
        return Field(name=name, label=label, kind=kind, hint=hint, group="money", choices=_choices(words or {}))

    return [
        one("goal", "Goal", "What the money shall bring.", "select", GOALS),
        one("billing", "Paid by the", "", "select", {"click": "click", "impression": "impression"}),
        one("bid", "Bid", f"At most this for each, in {unit}, as 0.50. Ads may have their own."),
        one("target", "Cost of a conversion", f"For the goal “Conversions”, in {unit}: the bid follows from it."),
        one("daily", "Daily budget", f"In {unit}, as 20.00; empty: no limit."),
        one("total", "Total budget", f"In {unit}; empty: no limit."),
        one("pacing", "The daily budget is", "", "select", SPREAD),
        one("margin", "Share of the margin", "Percent: never bid more than this part of what a click should bring."),
    ]


def _schedule(zone: str) -> list[Field]:
    return [
        Field(name="start", label="Start", kind="datetime", group="schedule", hint=f"Clock of {zone}; empty: at once."),
        Field(name="end", label="End", kind="datetime", group="schedule", hint=f"Clock of {zone}; empty: never."),
        *_lists("schedule"),
    ]


def _caps(many: int) -> list[Field]:
    fields = []
    for i in range(many):
        at, group = f"cap{i}", f"cap{i}"
        units = _choices({name: f"{name}s" for name in SECONDS})
        fields += [
            Field(name=f"{at}_times", label="Times", kind="number", hint="Empty: no limit.", group=group),
            Field(name=f"{at}_many", label="In", kind="number", hint="How many; empty: one.", group=group),
            Field(name=f"{at}_unit", label="Of these", kind="select", choices=units, group=group),
            Field(name=f"{at}_level", label="Counted for", kind="select", choices=_choices(LEVELS), group=group),
        ]
    return fields


def _lists(group: str) -> list[Field]:
    return [
        Field(name=name, label=TARGETS[name], kind="textarea", hint=HINTS[name], group=group)
        for name in IN_GROUP[group]
    ]


def _targeting() -> list[Field]:
    keywords = [
        Field(
            name=f"keywords_{match}", label=f"Searches {words}", kind="textarea", hint="One a line.", group="searches"
        )
        for match, words in MATCHES.items()
    ]
    deals = Field(name="deals", label="Only for these deals", kind="textarea", hint="One id a line.", group="audience")
    return [*_lists("places"), *keywords, *_lists("searches"), *_lists("audience"), deals]


def groups_of(shape: Shape) -> tuple[Group, ...]:
    """In order."""
    last = shape.caps - 1
    caps = [
        Group(
            name=f"cap{i}", legend=f"One user sees it at most ({i + 1})", row=True,
            more="One more limit" if i == last and shape.caps < MOST_CAPS else "",
        )
        for i in range(shape.caps)
    ]  # fmt: skip
    payer = [Group(name="payer", legend="A new advertiser", folded=bool(shape.payers))] if shape.payer else []
    return (
        Group(name="campaign", legend="Campaign"), *payer,
        Group(name="money", legend="Bid and budgets"),
        Group(name="schedule", legend="Schedule"),
        *caps,
        Group(name="places", legend="Where it is seen", hint="Empty: everywhere.", folded=True),
        Group(name="searches", legend="Which searches", hint="Empty: all of them.", folded=True),
        Group(name="audience", legend="Who sees it", hint="Empty: everybody.", folded=True),
    )  # fmt: skip
