"""Searcher: what the stage asks of a method of retrieval: the ads that fit a request best, and how well any ad fits.

TowerSearch and NeuralSearch find by a model, NoSearch by the bonus alone; all take ads in and out while they serve.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import patch_of, rows_in, switch_off, switch_on
from adcascade.catalog.packed.image import Array, Image
from adcascade.contracts import Batch
from adcascade.retrieval.best import best

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Bits = NDArray[np.uint8]


class Searcher(Protocol):
    """One thread at a time; a query is the method's own and lives for one request."""

    def __len__(self) -> int:
        """The number of ads that can be found."""
        ...

    def query(self, request: Batch) -> Any:
        """What all scores of one request share; `request` is a Batch with B = 1."""
        ...

    def search(self, query: Any, k: int, bits: Bits, bonus: Floats) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap with the highest score + bonus[row], best first, and these sums."""
        ...

    def score(self, query: Any, rows: Rows) -> Floats:
        """The scores [n] of rows [n] that can be found."""
        ...

    def build(self, rows: Rows) -> None:
        """Start anew with these ads."""
        ...

    def put(self, rows: Rows) -> None:
        """These ads are new or changed."""
        ...

    def remove(self, rows: Rows) -> None:
        """These rows are gone, whether or not they could be found."""
        ...

    def pack(self) -> dict[str, Array]:
        """What `build` made, as arrays for an image; nothing may have changed since."""
        ...

    def unpack(self, image: Image) -> None:
        """Become what `pack` wrote, instead of `build`; the arrays are its own from now on."""
        ...


class NoSearch:
    """What is known of the ads whoever asks decides: every score is 0."""

    def __init__(self) -> None:
        """Nothing to be found yet."""
        self._present: Bits = np.zeros(0, np.uint8)

    def __len__(self) -> int:
        """The number of ads that can be found."""
        return int(np.bitwise_count(self._present).sum())

    def query(self, request: Batch) -> None:
        """Nobody is asked about the request."""

    def search(self, query: None, k: int, bits: Bits, bonus: Floats) -> tuple[Rows, Floats]:  # noqa: ARG002  see Searcher
        """The k rows of the bitmap with the highest bonus."""
        rows = rows_in(bits, len(bonus))
        return best(rows, bonus[rows], k)

    def score(self, query: None, rows: Rows) -> Floats:  # noqa: ARG002  see Searcher
        """Zeros [n]."""
        return np.zeros(len(rows), np.float32)

    def build(self, rows: Rows) -> None:
        """Start anew with these ads."""
        self._present = np.zeros(0, np.uint8)
        self.put(rows)

    def put(self, rows: Rows) -> None:
        """These ads are new or changed."""
        more = (int(rows.max(initial=-1)) >> 3) + 1 - len(self._present)
        if more > 0:
            self._present = np.concatenate((self._present, np.zeros(more + len(self._present), np.uint8)))
        switch_on(self._present, patch_of(rows))

    def remove(self, rows: Rows) -> None:
        """These rows are gone."""
        switch_off(self._present, patch_of(rows[rows < 8 * len(self._present)]))

    def pack(self) -> dict[str, Array]:
        """Who can be found."""
        return {"present": self._present}

    def unpack(self, image: Image) -> None:
        """Become what `pack` wrote."""
        self._present = image.arrays["present"]
