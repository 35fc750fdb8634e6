"""The nouns of an experiment: variants, what each changes, who is a unit, and the allocation of traffic.

A variant names the settings that it changes, as `auction.reserve_micros = 400000`, or another bundle; what it does not
name is as in adcascade.toml. The unit is what chance sends to an arm: a user's key, so that a person sees one variant
only; or the request. Where there is no consent and so no user key, the unit is the request, whatever was asked for.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Literal

import msgspec

from adcascade.errors import InputError

Unit = Literal["user", "request"]
Status = Literal["draft", "running", "stopped"]

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
BUNDLE = "bundle"  # the key of a variant that names another bundle


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One arm: its name, and the settings that it changes ("bundle" or "section.key" -> the value as text)."""

    name: str
    changes: dict[str, str] = {}

    @property
    def bundle(self) -> str | None:
        """The version that answers for this arm; None: whichever serves."""
        return self.changes.get(BUNDLE)

    @property
    def settings(self) -> dict[str, str]:
        """The changed settings, without the bundle."""
        return {key: value for key, value in self.changes.items() if key != BUNDLE}


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """A question to the traffic.

    adaptive: the allocation follows the conversions per click (thompson.py), no arm falling below `floor`; window_us: a
    conversion counts so long after its click. The name is also the salt that spreads units, so it is used once.
    """

    name: str
    variants: tuple[Variant, ...]
    unit: Unit = "user"
    adaptive: bool = False
    floor: float = 0.05
    window_us: int = 7 * 86_400_000_000

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the variants, the first being what the others are compared with."""
        return tuple(variant.name for variant in self.variants)


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of new units, in the order of the variants, from a time on. number: unique for life, rising."""

    number: int
    from_us: int
    shares: tuple[float, ...]
    reason: str = ""


def checked(experiment: Experiment) -> Experiment:
    """The experiment itself, where it can be run; InputError else."""
    for field, name in (("experiment", experiment.name), *(("arm", name) for name in experiment.arms)):
        if not NAME.fullmatch(name):
            raise InputError(field, name, "a short name of a-z, 0-9, '_', '.' and '-'")
    if len(set(experiment.arms)) < max(2, len(experiment.arms)):
        raise InputError("arms", ", ".join(experiment.arms), "at least two different names")
    if not 0 <= experiment.floor * len(experiment.arms) <= 1:
        raise InputError("floor", experiment.floor, f"from 0 to {1 / len(experiment.arms):.3f}, one part an arm")
    if experiment.window_us <= 0:
        raise InputError("window", experiment.window_us, "more than 0")
    return experiment


def checked_shares(experiment: Experiment, shares: tuple[float, ...]) -> tuple[float, ...]:
    """One share an arm, together 1; InputError else."""
    right = len(shares) == len(experiment.arms) and all(share >= 0 for share in shares)
    if not right or abs(sum(shares) - 1) > 1e-6:
        raise InputError("shares", shares, f"{len(experiment.arms)} numbers from 0 upward that sum to 1")
    return shares


def even_shares(experiment: Experiment) -> tuple[float, ...]:
    """The same for every arm."""
    return (1.0 / len(experiment.arms),) * len(experiment.arms)


def variant_of(text: str) -> Variant:
    """From the way a command writes it: NAME, or NAME:KEY=VALUE,KEY=VALUE.

    >>> variant_of("high:auction.reserve_micros=400000").changes
    {'auction.reserve_micros': '400000'}
    """
    name, _, rest = text.partition(":")
    changes = changes_of(rest.split(","))
    if changes is None:
        raise InputError("arm", text, "NAME or NAME:KEY=VALUE,KEY=VALUE", "as high:auction.reserve_micros=400000")
    return Variant(name=name.strip(), changes=changes)


def changes_of(parts: Iterable[str]) -> dict[str, str] | None:
    """From KEY=VALUE, one a part; empty parts are passed over. None where a part is something else.

    >>> changes_of(["auction.rule = first_price", ""]), changes_of(["auction.rule"])
    ({'auction.rule': 'first_price'}, None)
    """
    pairs = [part.partition("=") for part in parts if part.strip()]
    if any(not key.strip() or not equals for key, equals, _ in pairs):
        return None
    return {key.strip(): value.strip() for key, _, value in pairs}


def chosen(experiment: Experiment, shares: Mapping[str, float]) -> tuple[float, ...]:
    """Shares by name in the order of the variants; InputError where a name is unknown or one is absent."""
    if set(shares) != set(experiment.arms):
        raise InputError("shares", ", ".join(shares), f"one for each of {', '.join(experiment.arms)}")
    return checked_shares(experiment, tuple(shares[name] for name in experiment.arms))


def edges(shares: tuple[float, ...]) -> tuple[float, ...]:
    """Where in [0, 1] the arms begin and end.

    >>> edges((0.5, 0.25, 0.25))
    (0.0, 0.5, 0.75, 1.0)
    """
    total, found = 0.0, [0.0]
    for share in shares[:-1]:
        total += share
        found.append(total)
    return (*found, 1.0)


def arm_at(place: float, shares: tuple[float, ...]) -> int:
    """The arm whose span holds a place of [0, 1).

    >>> [arm_at(place, (0.5, 0.0, 0.5)) for place in (0.0, 0.49, 0.5, 0.99)]
    [0, 0, 2, 2]
    """
    return next(i for i, (low, high) in enumerate(pairwise(edges(shares))) if low <= place < high)
