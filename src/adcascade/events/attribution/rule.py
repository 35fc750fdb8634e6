"""Attribution: which click or view a purchase is credited to.

A touch is a click on an ad, or a view of it. It can earn a line of an order when the user is the same, the ad's product
is bought or (by scope) a variant of it or anything of its brand, and the touch came before, within its window. Of those

    the bid that the shop named  >  the last click  >  the last view

earns the whole line. Between touches of the same time the one with the greater bid id earns it.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from adcascade.errors import InputError

Scope = Literal["sku", "parent", "brand"]
How = Literal["direct", "click", "view"]

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Windows in microseconds after the touch; None: however long ago, 0: never."""

    click_us: int | None = 14 * DAY_US
    view_us: int | None = DAY_US
    scope: Scope = "sku"
    direct: bool = True

    def __post_init__(self) -> None:
        for name, window in (("click_us", self.click_us), ("view_us", self.view_us)):
            if window is not None and window < 0:
                raise InputError(name, window, "at least 0, or None for a window without an end")

    def window_us(self, *, click: bool) -> int | None:
        """Of a click or of a view."""
        return self.click_us if click else self.view_us

    @property
    def longest_us(self) -> int | None:
        """How far before an order touches can matter; None: from the beginning."""
        return None if self.click_us is None or self.view_us is None else max(self.click_us, self.view_us)


class Goods(NamedTuple):
    """A product, what it is a variant of, and its brand; "" is not known."""

    product: str
    parent: str = ""
    brand: str = ""

    def keys(self, scope: Scope) -> tuple[str, ...]:
        """What it has in common with others under this scope: two goods match where they share a key.

        The family is the parent, or the product itself where it is no variant; a wider scope holds the narrower.
        """
        told = {
            "s": self.product,
            "p": (self.parent or self.product) if scope != "sku" else "",
            "b": self.brand if scope == "brand" else "",
        }
        return tuple(f"{kind}:{text}" for kind, text in told.items() if text)


class Touch(NamedTuple):
    """A click on an ad, or a view of it."""

    time_us: int
    user: str | None
    bid_id: str
    click: bool
    ad: int  # row of the catalog
    goods: Goods


class Line(NamedTuple):
    """One product of an order."""

    order: str
    time_us: int
    user: str | None
    goods: Goods
    quantity: int
    price_micros: int  # of one
    bid_id: str = ""  # that the shop named

    @property
    def value_micros(self) -> int:
        """What was paid for the line."""
        return self.quantity * self.price_micros


class Credit(NamedTuple):
    """What earned a line."""

    how: How
    touch: Touch
