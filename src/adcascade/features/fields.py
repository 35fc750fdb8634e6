"""Fields: a few of an encoder's features as small numbers, for whoever looks at values and not at embeddings.

The same call serves sample rows and a request with its ads, so that both are read alike.

Letters in shapes: n ads or rows, F chosen fields.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.features.encoder import Columns, Encoder


class Fields:
    """The chosen categorical or binned features, in the order of their names."""

    def __init__(self, encoder: Encoder, names: Sequence[str]) -> None:
        """ConfigurationError, with what there is, for a name that is no field of the encoder."""
        self.encoder, self.names = encoder, tuple(names)
        self._places = [encoder.place(name) for name in names]
        rows = [encoder.field_rows(name) for name in names]
        self.sizes = tuple(map(len, rows))
        self._offsets = [part.start for part in rows]

    def __call__(self, request: NDArray[np.int64], ad: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local rows [n, F], 0 <= row < size: 0 is "missing", 1 is "unseen".

        request: ids of the request's side [n, ...], or [1, ...] for all n alike; ad: ids of the ad's side [n, ...].
        """
        out = np.empty((len(ad), len(self.names)), np.int64)
        for f, ((side, column), offset) in enumerate(zip(self._places, self._offsets, strict=True)):
            out[:, f] = (ad if side == "ad" else request)[:, column] - offset
        return out

    def of(self, columns: Columns, rows: int) -> NDArray[np.int64]:
        """Local rows [n, F] of n = `rows` samples; a column that is absent is missing everywhere."""
        if not self.names:
            return np.empty((rows, 0), np.int64)
        return self(self.encoder.encode(columns, rows, "request").ids, self.encoder.encode(columns, rows, "ad").ids)
