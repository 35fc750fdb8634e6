"""AdFeatures: the encoded ad side of the whole catalog, one row an ad, ready to be gathered."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.packed.image import Array, Arrays
from adcascade.features.encoder import Columns, Encoder


class AdFeatures:
    """Arrays by catalog row that grow by doubling; a row never written is all "missing".

    One writer at a time; a reader that holds `ids` of before sees the rows of before.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._blank = encoder.encode({}, 1, "ad")
        small = np.int32 if encoder.rows < 2**31 else np.int64
        self._ids: NDArray[np.signedinteger] = np.empty((0, encoder.ad_fields), small)
        self._dense = np.empty((0, encoder.ad_numbers), np.float32)
        self._keys = np.empty((0, self._blank.keys.shape[1]), np.int64)
        self._count = 0

    def __len__(self) -> int:
        """The number of rows, N."""
        return self._count

    @property
    def ids(self) -> NDArray[np.signedinteger]:
        """Rows of the packed embedding table, int32 [N, F], or int64 where the table has so many rows."""
        return self._ids[: self._count]

    @property
    def dense(self) -> NDArray[np.float32]:
        """Numbers, float32 [N, D]."""
        return self._dense[: self._count]

    @property
    def keys(self) -> NDArray[np.int64]:
        """What requests are matched with, int64 [N, Q]."""
        return self._keys[: self._count]

    def update(self, rows: NDArray[np.integer], columns: Columns) -> None:
        """Encode the ad-side columns [n] and write them at the catalog rows [n]; InputError for a bad value."""
        if len(rows) == 0:
            return
        batch = self.encoder.encode(columns, len(rows), "ad")
        self._grow(int(rows.max()) + 1)
        self._ids[rows] = batch.ids
        self._dense[rows] = batch.dense
        self._keys[rows] = batch.keys

    def _grow(self, count: int) -> None:
        if count > len(self._ids):
            self._reserve(max(1024, 2 * len(self._ids), count))
        self._count = max(self._count, count)

    def _reserve(self, capacity: int) -> None:
        ids = np.repeat(self._blank.ids, capacity, axis=0).astype(self._ids.dtype)
        dense = np.repeat(self._blank.dense, capacity, axis=0)
        keys = np.repeat(self._blank.keys, capacity, axis=0)
        ids[: self._count], dense[: self._count], keys[: self._count] = self.ids, self.dense, self.keys
        self._ids, self._dense, self._keys = ids, dense, keys

    def pack(self) -> dict[str, Array]:
        """All rows as arrays, with some room for more."""
        self._reserve(max(len(self._ids), self._count + self._count // 8 + 64))
        return {"ids": self._ids, "dense": self._dense, "keys": self._keys, "count": np.array([self._count])}

    @classmethod
    def unpack(cls, encoder: Encoder, arrays: Arrays) -> Self:
        """What `pack` wrote of the same encoder's ads; the arrays are its own from now on."""
        features = cls(encoder)
        features._ids, features._dense, features._keys = arrays["ids"], arrays["dense"], arrays["keys"]
        features._count = int(arrays["count"][0])
        return features
