"""SidedScorer: a pre-ranker that has computed once an ad what it needs of the ad alone.

It answers as `Scorer` does and reads, per pair, 4 H bytes and the matches instead of the ad's embeddings. Sides are
kept by catalog row: an image holds them for all processes of a machine, and changed ads are computed anew.

Letters: n ads, N capacity in catalog rows, F fields, K width of an embedding, H of the network's first layer.
"""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.packed.image import Array, Image
from adcascade.contracts import Batch
from adcascade.errors import BundleError
from adcascade.features import AdFeatures
from adcascade.learning.manifest import read_manifest
from adcascade.learning.scorer import Scorer, ad_vectors, mapped_table
from adcascade.preranking.network import FILE, PrerankingNetwork

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
AT_ONCE = 4096  # ads


class Judge(Protocol):
    """What the stage asks: Scorer of any exported model, or SidedScorer."""

    def user(self, request: Batch) -> Any:
        """What all scores of one request share; `request` is a Batch with B = 1."""
        ...

    def score(self, state: Any, rows: Rows) -> Floats:
        """Logits [n] of the ads at catalog rows [n]."""
        ...


class Asking(NamedTuple):
    """What scoring needs of one request."""

    base: Floats  # [H]
    keys: NDArray[np.int64]  # [1, P] that the ads' keys are matched with


class SidedScorer:
    """`user` once a request, then `score` for any ads of the catalog; not for two threads at once.

    ads: the encoded catalog, by the encoder that the model was trained with. image: what `pack` wrote of the same
    folder and an older state of the catalog; then `ads_changed` comes next. Raises BundleError where the folder is
    damaged or belongs to another encoder.
    """

    def __init__(self, folder: Path, ads: AdFeatures, image: Image | None = None) -> None:
        self.manifest = read_manifest(folder, ads.encoder.fingerprint)
        self._ads, self._table = ads, mapped_table(folder)
        self.network = PrerankingNetwork.load(folder, len(ads.encoder.matches))
        m = self.manifest
        if self.network.ad_width + len(ads.encoder.matches) != m.ad_fields * m.width + m.ad_numbers:
            raise BundleError(f"{folder / FILE} is of another model than model.json; export the model again")
        self._matches: Floats = np.empty((0, len(ads.encoder.matches)), np.float32)
        self._sides: Floats = np.empty((0, self.network.width), np.float32)
        if image is not None and "sides" in image.arrays:
            self._sides = image.arrays["sides"]
        else:
            self.ads_changed(np.arange(len(ads), dtype=np.int32))

    def user(self, request: Batch) -> Asking:
        """The state of one request's side (a Batch with B = 1 as `Encoder.encode_one` makes it)."""
        steps = request.history[0, : request.history_length[0]]  # [L, S]
        mean = self._table[steps].mean(axis=0) if len(steps) else np.zeros((steps.shape[1], self.manifest.width), "f4")
        u = np.concatenate((self._table[request.ids[0]].ravel(), request.dense[0], mean.ravel()))
        return Asking(self.network.base(u), request.keys)

    def score(self, state: Asking, rows: Rows) -> Floats:
        """Logits float32 [n] of the ads at these catalog rows [n]."""
        if len(rows) > len(self._matches):
            self._matches = np.empty((2 * len(rows), self._matches.shape[1]), np.float32)
        matches = self._matches[: len(rows)]
        self._ads.encoder.matches.of_rows(state.keys, self._ads.keys, rows, matches)
        return self.network.logits(state.base, self._sides, rows, matches)

    def ads_changed(self, rows: Rows) -> None:
        """Compute these ads' sides anew; the AdFeatures must have taken them over before."""
        if len(self._sides) < len(self._ads):
            grown = np.zeros((max(len(self._ads), 2 * len(self._sides)), self.network.width), np.float32)
            grown[: len(self._sides)] = self._sides
            self._sides = grown
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            self._sides[some] = self.network.sides(ad_vectors(self._table, self._ads, some))

    def pack(self) -> dict[str, Array]:
        """The sides of all ads, as an array for an image."""
        return {"sides": self._sides}


def opened(folder: Path, ads: AdFeatures, image: Image | None = None) -> SidedScorer | Scorer:
    """What serves an exported pre-ranker; one of a model of its own, or of before there were sides, is a Scorer."""
    return SidedScorer(folder, ads, image) if (folder / FILE).exists() else Scorer(folder, ads)
