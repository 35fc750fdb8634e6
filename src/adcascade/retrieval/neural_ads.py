"""NeuralAds: the exported network over the encoded catalog and encoded requests, without torch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.errors import BundleError
from adcascade.features import AdFeatures
from adcascade.learning.manifest import read_manifest
from adcascade.retrieval.neural_network import NeuralNetwork, UserSide

Floats = NDArray[np.float32]
CHUNK = 4096  # ads embedded at once


class NeuralAds:
    """`request` makes what scores share, `vectors` what they are scores of.

    features: the encoded catalog, by the encoder that the model was trained with. Raises BundleError where the folder
    is damaged or belongs to another encoder.
    """

    def __init__(self, folder: Path, features: AdFeatures) -> None:
        """Read the network and map the table."""
        self.manifest = read_manifest(folder, features.encoder.fingerprint)
        self.network = NeuralNetwork.load(folder)
        self._features = features
        self._table = read_array(folder / "table.npy")

    def request(self, request: Batch) -> UserSide:
        """The side of one request, a Batch with B = 1."""
        steps = request.history[0, : request.history_length[0]]  # [L, S]
        profile = np.concatenate((self._table[request.ids[0]].ravel(), request.dense[0]))
        width = steps.shape[1] * self._table.shape[1]
        return self.network.user(profile, self._table[steps].reshape(len(steps), width))

    def vectors(self, rows: NDArray[np.int32]) -> Floats:
        """e_v [M, E] of the ads at these rows of the catalog."""
        found = np.empty((len(rows), self.network.width), np.float32)
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            embedded = self._table[self._features.ids[part]].reshape(len(part), -1)
            flat = np.concatenate((embedded, self._features.dense[part]), axis=1)
            found[start : start + CHUNK] = self.network.item_vectors(flat)
        return found


def read_array(path: Path) -> Floats:
    """A float32 array, memory-mapped; BundleError where it cannot be read."""
    try:
        array: Floats = np.load(path, mmap_mode="r").view(np.ndarray)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read ({error}); export the model again") from error
    return array
