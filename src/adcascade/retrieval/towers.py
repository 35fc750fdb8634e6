"""Towers: the two exported halves of a two-tower model, without torch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.features import AdFeatures
from adcascade.learning.manifest import read_manifest
from adcascade.learning.scorer import mapped_table, open_session

Floats = NDArray[np.float32]
CHUNK = 4096  # ads embedded at once


class Towers:
    """`request` makes the vector to search with, `ads` the vectors to search among; K is their width.

    features: the encoded catalog, by the encoder that the model was trained with. Raises BundleError
    where the folder is damaged or belongs to another encoder.
    """

    def __init__(self, folder: Path, features: AdFeatures) -> None:
        """Open the graphs and map the table."""
        self.manifest = read_manifest(folder, features.encoder.fingerprint)
        self._features = features
        self._table = mapped_table(folder)
        self._request, self._request_inputs = open_session(folder / "request_tower.onnx")
        self._ad, self._ad_inputs = open_session(folder / "ad_tower.onnx")
        self.width = int(self._request.get_outputs()[0].shape[-1])

    def request(self, request: Batch) -> Floats:
        """The vector [K] of one request's side, a Batch with B = 1."""
        m = self.manifest
        steps = self._table[request.history[0].ravel()] if request.history.size else np.empty(0, np.float32)
        given: dict[str, NDArray[np.generic]] = {
            "embedded": self._table[request.ids[0]][None],  # [1, F, K of the table]
            "dense": request.dense,
            "history": steps.reshape(1, m.length, m.sequences, m.width),
            "mask": np.arange(m.length)[None] < request.history_length[:, None],
        }
        vector: Floats = self._request.run(None, {name: given[name] for name in self._request_inputs})[0][0]
        return vector

    def ads(self, rows: NDArray[np.int32]) -> Floats:
        """The vectors [M, K] of the ads at these rows of the catalog."""
        vectors = np.empty((len(rows), self.width), np.float32)
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            given = {"embedded": self._table[self._features.ids[part]], "dense": self._features.dense[part]}
            chosen = {name: given[name] for name in self._ad_inputs}
            vectors[start : start + len(part)] = self._ad.run(None, chosen)[0]
        return vectors
