"""PageFit: the ads that fit a page by its category and its query's words, without any model; for the cold start."""

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.packed.image import Array, Image
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Opportunity
from adcascade.retrieval.rules import Rules

MOST = 100  # ads per rule


class PageFit:
    """Keeps the rules' look-ups over the catalog; `ads_changed` keeps them live."""

    def __init__(self, snapshot: Snapshot, image: Image | None = None) -> None:
        """image: what `pack` wrote of an older state of the snapshot; then `ads_changed` comes next."""
        self.snapshot = snapshot
        self._rules = Rules()
        self._alike = np.zeros(0, np.float32)  # what each ad is worth while nothing is known
        if image is None:
            self.ads_changed(np.arange(snapshot.n, dtype=np.int32))
        else:
            self._rules.unpack(image.arrays)

    def pack(self) -> dict[str, Array]:
        """The look-ups as arrays for an image."""
        return self._rules.pack()

    def ads_changed(self, rows: NDArray[np.int32]) -> None:
        """Take over these rows of the snapshot."""
        self._rules.update(rows.tolist(), self.snapshot.ads)

    def __call__(self, opportunity: Opportunity, bits: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Distinct rows among the eligible that share the page's category or a word of its query."""
        request = opportunity.request
        found = [np.empty(0, np.int32)]
        if request.query:
            found.append(self._rules.keywords(request.query, MOST, bits)[0])
        if request.category:
            if len(self._alike) != self.snapshot.n:
                self._alike = np.zeros(self.snapshot.n, np.float32)
            found.append(self._rules.categories((request.category,), MOST, bits, self._alike)[0])
        rows: NDArray[np.int32] = np.unique(np.concatenate(found)).astype(np.int32)
        return rows
