"""ProductRows: the rows of each product; nearly every product has one ad, so one number is what it costs."""

from collections.abc import Iterable, Sequence

import numpy as np

from adcascade.catalog.bitmaps import Bits, patch_of, switch_off, switch_on
from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.packed.sets import Entry, PackedSets, pack_sets
from adcascade.catalog.packed.texts import NOWHERE
from adcascade.catalog.rowsets import NOBODY, Rows

Named = Sequence[tuple[int, str]]  # row and product, "": the ad is of none


class ProductRows:
    """Rows by product id, and under "" those of ads that name no product."""

    def __init__(self) -> None:
        """No products."""
        self._one: dict[str, int] = {}
        self._more: dict[str, set[int]] = {}  # beside the one
        self._none: Bits = np.zeros(0, np.uint8)  # rows without a product
        self._base: PackedSets | None = None  # of products that never changed since
        self._taken: set[str] = set()  # products that did, and lie above

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes of rows."""
        self._none = np.concatenate((self._none, np.zeros(capacity - len(self._none), np.uint8)))

    def add(self, named: Named) -> None:
        """More rows."""
        for row, product in named:
            if product:
                self._take(product)
                self._add(product, row)
        switch_on(self._none, patch_of(_without(named)))

    def _add(self, product: str, row: int) -> None:
        if self._one.setdefault(product, row) != row:
            self._more.setdefault(product, set()).add(row)

    def _take(self, product: str) -> None:
        """Let the product change: out of the image."""
        if self._base is None or product in self._taken:
            return
        for row in self._mapped(product):
            self._add(product, row)
        self._taken.add(product)

    def discard(self, named: Named) -> None:
        """These rows are their products' no more."""
        for row, product in named:
            self._take(product)
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
        found = [row for product in asked for row in self.rows(product)]
        switch_on(wanted, patch_of(np.array(found, np.int32)))
        np.bitwise_and(allowed, wanted, out=allowed)

    def rows(self, product: str) -> Sequence[int]:
        """The rows of a product, in no order; none for one that no ad names."""
        if product in self._one:
            return (self._one[product], *self._more.get(product, ()))
        return () if product in self._taken else self._mapped(product)

    def _mapped(self, product: str) -> list[int]:
        number = NOWHERE if self._base is None else self._base.find(product)
        return [] if self._base is None or number == NOWHERE else self._base.rows(number).tolist()

    def pack(self) -> dict[str, Array]:
        """All there is, as arrays."""
        mapped = () if self._base is None else self._base.texts()
        products = [*self._one, *(product for product in mapped if product not in self._taken)]
        sets = pack_sets(Entry(product, np.array(sorted(self.rows(product)), np.int32)) for product in products)
        return {**below("sets", sets), "none": self._none}

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote."""
        self._base, self._none = PackedSets(part(arrays, "sets")), arrays["none"]


def _without(named: Named) -> Rows:
    rows = [row for row, product in named if not product]
    return np.array(rows, np.int32) if rows else NOBODY
