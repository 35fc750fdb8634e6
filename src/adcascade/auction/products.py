"""Products: which catalog row stands for a product, so that what is known of its ads is known of it."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray


class Products:
    """rows_of: the rows of a product as the catalog has them now; the lowest stands for it."""

    def __init__(self, rows_of: Callable[[str], Iterable[int]]) -> None:
        self._rows_of = rows_of

    def rows(self, products: Iterable[str]) -> NDArray[np.int32]:
        """The row of each product [O]; -1 for one that no ad names."""
        return np.array([min(self._rows_of(one), default=-1) for one in products], np.int32)
