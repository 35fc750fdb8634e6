"""PairScorer: an exported model on n samples at once, each a request of its own that meets one ad; no torch.

Serving takes a request's side once for many ads (scorer.py), which says nothing quickly of samples whose requests all
differ: there each row costs two runs of a graph. `pairs.onnx` is the same network with both sides n rows long.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.errors import BundleError
from adcascade.features import Encoder
from adcascade.learning.manifest import read_manifest
from adcascade.learning.scorer import open_session

Floats = NDArray[np.float32]
FILE = "pairs.onnx"  # embedded, dense, history, mask of n requests, ad_embedded, ad_dense of their ads -> logit [n]
PART = 1024  # rows of one run: what they gather stays in the processor's caches


class PairScorer:
    """The graph of pairs of a folder; BundleError where it is damaged or belongs to another encoder."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self.manifest = read_manifest(folder, encoder.fingerprint)
        try:
            self._table: Floats = np.load(folder / "table.npy", mmap_mode="r").view(np.ndarray)
        except (OSError, ValueError) as error:
            raise BundleError(f"{folder / 'table.npy'} cannot be read ({error}); export the model again") from error
        self._session, self._inputs = open_session(folder / FILE)

    def __call__(self, batch: Batch) -> Floats:
        """Logits float32 [n] of encoded samples, both sides in one Batch."""
        parts = [self._session.run(None, self._feed(part))[0] for part in batch.slices(PART)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def _feed(self, batch: Batch) -> dict[str, NDArray[np.generic]]:
        """The graph's inputs."""
        m, embedded = self.manifest, self._table[batch.ids]  # [n, F, K]
        numbers = np.concatenate((batch.dense[:, m.request_numbers :], batch.match), axis=1)
        given: dict[str, NDArray[np.generic]] = {
            "embedded": embedded[:, : m.request_fields],
            "dense": batch.dense[:, : m.request_numbers],
            "ad_embedded": embedded[:, m.request_fields :],
            "ad_dense": numbers[:, : m.ad_numbers],
        }
        if "history" in self._inputs:
            given["history"] = self._table[batch.history]  # [n, L, S, K]
        if "mask" in self._inputs:
            given["mask"] = np.arange(m.length)[None] < batch.history_length[:, None]  # [n, L]
        return {name: given[name] for name in self._inputs}
