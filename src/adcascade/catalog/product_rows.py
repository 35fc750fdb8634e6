"""ProductRows: the rows of each product; nearly every product has one ad, so one number is what it costs."""

from collections.abc import Iterable, Sequence

import numpy as np

from adcascade.catalog.bitmaps import Bits, patch_of, switch_off, switch_on
from adcascade.catalog.rowsets import NOBODY, Rows

Named = Sequence[tuple[int, str]]  # row and product, "": the ad is of none


class ProductRows:
    """Rows by product id, and under "" those of ads that name no product."""

    def __init__(self) -> None:
        """No products."""
        self._one: dict[str, int] = {}
        self._more: dict[str, set[int]] = {}  # beside the one
        self._none: Bits = np.zeros(0, np.uint8)  # rows without a product

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes of rows."""
        self._none = np.concatenate((self._none, np.zeros(capacity - len(self._none), np.uint8)))

    def add(self, named: Named) -> None:
        """More rows."""
        for row, product in named:
            if product and self._one.setdefault(product, row) != row:
                self._more.setdefault(product, set()).add(row)
        switch_on(self._none, patch_of(_without(named)))

    def discard(self, named: Named) -> None:
        """These rows are their products' no more."""
        for row, product in named:
            if product in self._one:
                self._discard(product, row)
        switch_off(self._none, patch_of(_without(named)))

    def _discard(self, product: str, row: int) -> None:
        more = self._more.get(product, set())
        more.discard(row)
        if self._one[product] == row:
            del self._one[product]
            if more:
                self._one[product] = more.pop()
        if not more:
            self._more.pop(product, None)

    def require(self, allowed: Bits, products: Iterable[str]) -> None:
        """Clear, in place, the rows of all other products."""
        asked = set(products)
        wanted = self._none[: len(allowed)].copy() if "" in asked else np.zeros(len(allowed), np.uint8)
        found = [row for product in asked if product in self._one for row in self._of(product)]
        switch_on(wanted, patch_of(np.array(found, np.int32)))
        np.bitwise_and(allowed, wanted, out=allowed)

    def _of(self, product: str) -> Iterable[int]:
        return (self._one[product], *self._more.get(product, ()))


def _without(named: Named) -> Rows:
    rows = [row for row, product in named if not product]
    return np.array(rows, np.int32) if rows else NOBODY
