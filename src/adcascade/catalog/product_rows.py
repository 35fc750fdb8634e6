"""ProductRows: the rows of each product; nearly every product has one ad, so one number is what it costs."""

from collections.abc import Iterable

import numpy as np

from adcascade.catalog.rowsets import Rows


class ProductRows:
    """Rows by product id; "" is no product."""

    def __init__(self) -> None:
        """No products."""
        self._one: dict[str, int] = {}
        self._more: dict[str, set[int]] = {}  # beside the one

    def add(self, product: str, row: int) -> None:
        """One more row of the product."""
        if product and self._one.setdefault(product, row) != row:
            self._more.setdefault(product, set()).add(row)

    def discard(self, product: str, row: int) -> None:
        """The row is the product's no more."""
        if product not in self._one:
            return
        more = self._more.get(product, set())
        more.discard(row)
        if self._one[product] == row:
            del self._one[product]
            if more:
                self._one[product] = more.pop()
        if not more:
            self._more.pop(product, None)

    def rows(self, products: Iterable[str]) -> Rows:
        """The rows of these products, in no order."""
        found = [row for product in products if product in self._one for row in self._of(product)]
        return np.array(found, np.int32)

    def _of(self, product: str) -> Iterable[int]:
        return (self._one[product], *self._more.get(product, ()))
