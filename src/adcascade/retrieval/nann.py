"""NannLearner: from a sample set to what RetrievalStage serves by a neural score: network, graph, prior and blend.

    noise of a click: N of the ads that were shown about the same time, drawn from its batch

Ads are drawn by their share e of the impressions, and z = s - log N: so the score learns log( P(a | u, click) / e ),
which is log P(click | u, a) up to a constant of the request, and how often an ad was shown is not in it: the same
target as the two towers' (tower_model.py).

The first epochs teach without the flatness loss, the later ones with it: the score of an untrained network has no
neighbours to agree with, and a step with it costs two. Nine rows of ten teach; the clicks of every tenth row say how
far to trust the network (blend.py).
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.features import AdFeatures, Encoder
from adcascade.learning.export import write_manifest
from adcascade.learning.labelled import Labelled, LabelledBlocks
from adcascade.learning.loop import Objective, Progress, Sides, Training, fit, gather
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.retrieval.blend import fit_blend
from adcascade.retrieval.flatness import FlatnessConfig, nann_loss
from adcascade.retrieval.held_out import Parts, Tables, held_chunks
from adcascade.retrieval.nann_model import NannConfig, NannModel
from adcascade.retrieval.neural_ads import NeuralAds
from adcascade.retrieval.neural_network import NeuralNetwork
from adcascade.retrieval.neural_search import NeuralConfig, NeuralSearch
from adcascade.retrieval.prior import ClickPrior

Rows = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class NoiseConfig:
    """What a click is told from."""

    noise: int = 64  # N ads for each click
    flatness: FlatnessConfig = field(default_factory=FlatnessConfig)
    plain_epochs: int = 1  # without the flatness loss, before those of `Training` with it


class NannLearner:
    """Trains the network and counts the prior; `index` makes the graph of a catalog."""

    def __init__(
        self,
        encoder: Encoder,
        config: NannConfig | None = None,
        *,
        noise: NoiseConfig | None = None,
        training: Training | None = None,
        table: TableConfig | None = None,
    ) -> None:
        """A fresh network over a fresh table for this encoder."""
        self.encoder, self.noise = encoder, noise or NoiseConfig()
        self.training = training or Training(epochs=1, batch_size=2048, rate=2e-3, embedding_dropout=0.3)
        table = table or TableConfig(init_std=0.05, rate=0.02)
        torch.manual_seed(self.training.seed)
        self.table = PackedEmbedding(encoder.rows, table, seed=self.training.seed)
        self.model = NannModel(Shape.of(encoder, table.width, matching=False), config)
        self.prior = ClickPrior(clicks={}, impressions={})
        self._indexed: tuple[AdFeatures, Rows] | None = None

    def fit(self, tables: Tables, progress: Progress | None = None) -> list[float]:
        """Train on the tables, which are read some times anew; mean losses by epoch."""
        parts = Parts(tables)
        blocks = LabelledBlocks(self.encoder, parts.taught)
        losses = []
        for flatness, epochs in (
            (replace(self.noise.flatness, epsilon=0.0), self.noise.plain_epochs),
            (self.noise.flatness, self.training.epochs),
        ):
            training = replace(self.training, epochs=epochs)
            objective = sampled_loss(self.noise.noise, flatness)
            losses += fit(self.model, self.table, blocks, training, objective=objective, progress=progress)
        weight, gain = fit_blend(held_chunks(parts, self.encoder, self._scores))
        self.model.gain.fill_(gain)
        self.prior = msgspec.structs.replace(ClickPrior.count(tables()), weight=weight)
        return losses

    def index(self, ads: AdFeatures, rows: Rows) -> None:
        """Export the graph of these rows of a catalog too, so that who serves need not build it."""
        self._indexed = (ads, rows)

    @torch.no_grad()
    def _scores(self, batch: Batch, own: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of the samples [P] against every ad of the batch: [P, B]."""
        sides = gather(self.table, batch, self.model.shape)
        state, e = self.model.user_state(sides.user), self.model.item_vectors(sides.ads)
        scores = np.empty((len(own), len(batch)))
        for place, sample in enumerate(own.tolist()):
            scores[place] = self.model.score_vectors(tuple(part[[sample]] for part in state), e[None])[0].numpy()
        return scores

    def export(self, folder: Path) -> None:
        """Write network.npz, table.npy, model.json, prior.json and, once indexed, graph.npz and vectors.npy."""
        self.model.eval()
        self.prior.save(folder)
        NeuralNetwork({name: part.numpy() for name, part in self.model.state_dict().items()}).save(folder)
        np.save(folder / "table.npy", self.table.weight)
        write_manifest(folder, self.model, self.encoder.fingerprint, states=0)
        if self._indexed is not None:
            ads, rows = self._indexed
            search = NeuralSearch(NeuralAds(folder, ads), NeuralConfig())
            search.build(rows)
            search.save(folder)


def sampled_loss(noise: int, flatness: FlatnessConfig) -> Objective:
    """The objective of the training loop: each click against `noise` ads of its batch, drawn with replacement."""

    def objective(model: ScoringModel, sides: Sides, samples: Labelled) -> torch.Tensor:
        if not isinstance(model, NannModel):
            raise TypeError(f"sampled_loss trains a NannModel, not {type(model).__name__}")
        own = torch.nonzero(torch.from_numpy(samples.label) > 0).squeeze(1)  # [P]
        e = model.item_vectors(sides.ads)  # [B, E]
        if not len(own):
            return e.sum() * 0
        drawn = torch.randint(len(e), (len(own), noise))
        pairs = e[torch.cat((own[:, None], drawn), dim=1)]  # [P, 1 + N, E]
        state = tuple(part[own] for part in model.user_state(sides.user))
        log_count = torch.tensor(math.log(noise))
        weight = torch.from_numpy(samples.weight)[own]
        return nann_loss(lambda x: model.score_vectors(state, x), pairs, log_count, flatness, weight)

    return objective
