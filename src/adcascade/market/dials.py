"""Dial: what a field of MarketConfig means and may hold; whoever asks people for dials reads it here.

    users: int = dial(3_000, "shoppers alive at any time", "size", most=200_000, first=True)

The kind is a law: no world breaks it. `most` bounds what a run on somebody's machine takes, by its memory and time; a
program may make a larger world.
"""

import math
from dataclasses import Field, dataclass, field
from typing import Literal, TypeVar, cast

from adcascade.errors import InputError

T = TypeVar("T", int, float, bool)
Kind = Literal["size", "amount", "share", "probability", "switch"]
LAWS: dict[Kind, str] = {
    "size": "at least 1",
    "amount": "a number from 0 upward",
    "share": "a share from 0 to 1",
    "probability": "a probability above 0 and below 0.5",
    "switch": "yes or no",
}
SWITCH = {"yes": True, "no": False, "": False}
KEY = "dial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """words: what it does; unit: of its number; most: of a run; first: among the few that matter most."""

    words: str
    kind: Kind
    unit: str
    most: float
    first: bool

    def allows(self, value: float) -> bool:
        """Whether a world may have this value."""
        least, end = {"size": (1.0, math.inf), "share": (0.0, 1.0), "switch": (0.0, 1.0)}.get(
            self.kind, (0.0, math.inf)
        )
        if self.kind == "probability":
            return 0 < value < 0.5
        return least <= value <= end and math.isfinite(value)

    @property
    def range(self) -> str:
        """What a run takes, in words.

        >>> Dial(words="", kind="size", unit="", most=200_000, first=False).range
        'a number from 1 to 200,000'
        """
        if self.kind in {"size", "amount"}:
            return f"a number from {1 if self.kind == 'size' else 0} to {plain(self.most)}"
        return LAWS[self.kind]


def dial(default: T, words: str, kind: Kind = "amount", *, most: float = 1.0, unit: str = "", first: bool = False) -> T:
    """A field of a dataclass that is a dial."""
    return field(default=default, metadata={KEY: Dial(words=words, kind=kind, unit=unit, most=most, first=first)})


def dial_of(one: "Field[object]") -> Dial:
    """What a field's dial is."""
    return cast("Dial", one.metadata[KEY])


def check(name: str, value: float, one: Dial) -> None:
    """InputError for a value that no world has."""
    if not one.allows(value):
        raise InputError(name, value, LAWS[one.kind])


def read_dial(name: str, text: str, one: Dial, default: float) -> float:
    """The value that a text means, of the default's type; InputError for what a run does not take."""
    if one.kind == "switch":
        if text not in SWITCH:
            raise InputError(name, text, LAWS["switch"])
        return SWITCH[text]
    try:
        value: float = int(text) if isinstance(default, int) else float(text)
    except ValueError as error:
        expected = one.range.replace("a number", "a whole number") if isinstance(default, int) else one.range
        raise InputError(name, text, expected) from error
    if not one.allows(value) or value > one.most:
        raise InputError(name, text, one.range)
    return value


def text_of(value: float) -> str:
    """A value as `read_dial` reads it back, exactly.

    >>> text_of(60.0), text_of(0.035), text_of(True)
    ('60', '0.035', 'yes')
    """
    return ("no", "yes")[value] if isinstance(value, bool) else f"{value!r}".removesuffix(".0")


def plain(value: float) -> str:
    """A value for people.

    >>> plain(50_000), plain(0.035), plain(False)
    ('50,000', '0.035', 'no')
    """
    return text_of(value) if isinstance(value, bool) else f"{value:,.10g}"


def label_of(name: str) -> str:
    """How people are asked for it; sums of money by their unit.

    >>> label_of("base_ctr"), label_of("floor_usd_per_thousand")
    ('Base CTR', 'Floor per thousand')
    """
    words = " ".join(word.upper() if word in {"ctr", "cvr"} else word for word in name.split("_") if word != "usd")
    return words[0].upper() + words[1:]
