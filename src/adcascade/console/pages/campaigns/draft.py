"""Draft of a campaign: the texts of its form, and the campaign that they mean.

A field whose text is as it was shown leaves the campaign as it was: what a form cannot show exactly (a second of a
start, the order of keywords) is lost by nobody who did not touch it. So a form sent as shown changes nothing.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from itertools import count
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from adcascade.catalog.keywords import Match
from adcascade.catalog.nouns import Campaign, FrequencyCap, Targeting
from adcascade.console.pages.campaigns.checks import trimmed, wall_text
from adcascade.console.pages.campaigns.words import PERIODS
from adcascade.money.amounts import units

MATCHES: dict[Match, str] = {
    "phrase": "with these words side by side",
    "exact": "that are exactly this",
    "broad": "with all these words, in any order",
}
LISTS = (
    "scenarios", "devices", "countries", "regions", "cities", "categories", "blocked_categories", "products",
    "segments", "negative_segments", "negative_keywords", "times",
)  # fmt: skip
SECONDS = {name: size for size, name in PERIODS}


class Part(NamedTuple):
    """An attribute of a noun: the fields that it is made of, and how."""

    attribute: str
    fields: tuple[str, ...]
    make: Callable[[Mapping[str, Any]], Any]


def same(attribute: str, field: str = "", otherwise: Any = None) -> Part:
    """A part that is what its one field's check made; otherwise: in place of None."""
    name = field or attribute
    return Part(attribute, (name,), lambda good: otherwise if good[name] is None else good[name])


def made(parts: tuple[Part, ...], good: Mapping[str, Any], kept: AbstractSet[str]) -> dict[str, Any]:
    """The attributes that a field beyond `kept` belongs to."""
    return {part.attribute: part.make(good) for part in parts if not kept >= set(part.fields)}


def kept_of(values: Mapping[str, str], was: Mapping[str, str]) -> set[str]:
    """The fields that hold what they held when they were shown."""
    now, before = trimmed(values), trimmed(was)
    return {name for name, text in before.items() if now.get(name, "") == text}


def _keywords(good: Mapping[str, Any]) -> tuple[str, ...]:
    told = [*good["keywords_phrase"]]
    told += [f"{match}:{word}" for match in ("exact", "broad") for word in good[f"keywords_{match}"]]
    return tuple(told)


PLAN = (
    same("name"), same("advertiser"), same("status"), same("billing"), same("goal"), same("pacing"),
    same("bid_micros", "bid", 0), same("target_micros", "target"), same("margin_share", "margin"),
    same("daily_budget_micros", "daily"), same("total_budget_micros", "total"),
    same("start_us", "start", 0), same("end_us", "end"), same("deals"),
)  # fmt: skip
TARGETING = (
    *(same(name) for name in LISTS),
    Part("keywords", tuple(f"keywords_{match}" for match in MATCHES), _keywords),
)


def amount(micros: int | None) -> str:
    """Money as it is typed.

    >>> amount(1_234_500_000), amount(None)
    ('1234.50', '')
    """
    return "" if micros is None else units(micros).replace(",", "")


def percent(share: float | None) -> str:
    """A share as it is typed."""
    return "" if share is None else f"{share * 100:.12g}"


def texts_of(campaign: Campaign, zone: ZoneInfo) -> dict[str, str]:
    """What the fields of its form hold."""
    targeting = campaign.targeting
    texts = {
        "name": campaign.name, "advertiser": campaign.advertiser, "status": campaign.status,
        "billing": campaign.billing, "goal": campaign.goal, "pacing": campaign.pacing,
        "bid": amount(campaign.bid_micros or None), "target": amount(campaign.target_micros),
        "margin": percent(campaign.margin_share), "daily": amount(campaign.daily_budget_micros),
        "total": amount(campaign.total_budget_micros), "start": wall_text(campaign.start_us or None, zone),
        "end": wall_text(campaign.end_us, zone), "deals": "\n".join(campaign.deals),
    }  # fmt: skip
    texts |= {name: "\n".join(getattr(targeting, name)) for name in LISTS}
    texts |= {f"keywords_{match}": "\n".join(_typed(targeting, match)) for match in MATCHES}
    for i, cap in enumerate(campaign.caps):
        texts |= _cap_texts(i, cap)
    return texts


def _typed(targeting: Targeting, match: Match) -> list[str]:
    """The keywords that match so, without the word that says it."""
    typed = []
    for text in targeting.keywords:
        prefix, colon, rest = text.partition(":")
        told = prefix if colon and prefix in MATCHES else "phrase"
        if told == match:
            typed.append(rest if told == prefix and colon else text)
    return typed


def _cap_texts(i: int, cap: FrequencyCap) -> dict[str, str]:
    size, unit = next((size, name) for size, name in PERIODS if cap.window_s % size == 0)
    return {
        f"cap{i}_times": str(cap.impressions), f"cap{i}_many": str(cap.window_s // size), f"cap{i}_unit": unit,
        f"cap{i}_level": cap.level,
    }  # fmt: skip


def caps_in(values: Mapping[str, Any]) -> int:
    """How many rows of limits a form holds."""
    return next(i for i in count() if f"cap{i}_times" not in values)


def caps_of(good: Mapping[str, Any]) -> tuple[FrequencyCap, ...]:
    """The rows of limits that tell how many times."""
    return tuple(
        FrequencyCap(
            impressions=good[f"cap{i}_times"], window_s=window_of(good, i), level=good[f"cap{i}_level"]
        )
        for i in range(caps_in(good)) if good[f"cap{i}_times"] is not None
    )  # fmt: skip


def window_of(good: Mapping[str, Any], i: int) -> int:
    """Seconds of a row's window."""
    many: int | None = good[f"cap{i}_many"]
    return (1 if many is None else many) * SECONDS[good[f"cap{i}_unit"]]


def campaign_of(good: Mapping[str, Any], base: Campaign, kept: AbstractSet[str] = frozenset()) -> Campaign:
    """The campaign that checked fields mean. base: what it was, or one with its id and currency alone; kept: the
    fields that were not touched."""
    targeting = replace(base.targeting, **made(TARGETING, good, kept))
    return replace(base, targeting=targeting, caps=caps_of(good), **made(PLAN, good, kept))
