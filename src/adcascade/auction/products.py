"""Products: which catalog row stands for a product, so that what is known of its ads is known of it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.nouns import Ad


class Products:
    """Rows by product id, kept live by `ads_changed`; of several ads of a product the lowest row stands for it."""

    def __init__(self, ads: Sequence[Ad | None]) -> None:
        self._ads = ads
        self._named: dict[int, str] = {}  # by row
        self._rows: dict[str, set[int]] = {}
        self.ads_changed(np.arange(len(ads), dtype=np.int32))

    def ads_changed(self, rows: NDArray[np.int32]) -> None:
        """Take over these rows of the catalog."""
        for row in rows.tolist():
            old = self._named.pop(row, "")
            if old:
                self._rows[old].discard(row)
            ad = self._ads[row]
            if ad is not None and ad.product:
                self._named[row] = ad.product
                self._rows.setdefault(ad.product, set()).add(row)

    def rows(self, products: Iterable[str]) -> NDArray[np.int32]:
        """The row of each product [O]; -1 for one that no ad names."""
        return np.array([min(self._rows.get(one) or (-1,)) for one in products], np.int32)
