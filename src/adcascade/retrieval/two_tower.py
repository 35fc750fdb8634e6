"""TwoTowerLearner: from a sample set to what RetrievalStage loads: the towers, the prior, and their blend.

Nine rows of ten teach the towers; the clicks of every tenth row say how far to trust them (blend.py). The
prior that is exported counts all rows.
"""

from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.features import Encoder
from adcascade.learning.labelled import LabelledBlocks
from adcascade.learning.loop import Progress, Training, fit, gather
from adcascade.learning.model import Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.retrieval.blend import fit_blend
from adcascade.retrieval.draw_rates import RatedBlocks
from adcascade.retrieval.held_out import Parts, Tables, held_chunks
from adcascade.retrieval.prior import ClickPrior
from adcascade.retrieval.tower_export import export_towers
from adcascade.retrieval.tower_model import TwoTower, TwoTowerConfig, two_tower_loss


class TwoTowerLearner:
    """Trains the towers and counts the prior."""

    def __init__(
        self,
        encoder: Encoder,
        config: TwoTowerConfig | None = None,
        *,
        training: Training | None = None,
        table: TableConfig | None = None,
    ) -> None:
        """Fresh towers over a fresh table for this encoder."""
        self.encoder = encoder
        self.training = training or Training(epochs=2, batch_size=2048, rate=2e-3, embedding_dropout=0.3)
        table = table or TableConfig(init_std=0.05, rate=0.02)
        torch.manual_seed(self.training.seed)
        self.table = PackedEmbedding(encoder.rows, table, seed=self.training.seed)
        self.model = TwoTower(Shape.of(encoder, table.width, matching=False), config)
        self.prior = ClickPrior(clicks={}, impressions={})

    def fit(self, tables: Tables, progress: Progress | None = None) -> list[float]:
        """Train on the tables, which are read some times anew; mean losses by epoch."""
        parts = Parts(tables)
        config = self.model.config
        blocks = RatedBlocks(
            LabelledBlocks(self.encoder, parts.taught),
            self.encoder.ad_fields,
            shown=config.shown,
            rate=config.target == "rate",
        )
        losses = fit(self.model, self.table, blocks, self.training, objective=two_tower_loss, progress=progress)
        weight, gain = fit_blend(held_chunks(parts, self.encoder, self._scores))
        self.model.gain.fill_(gain)
        self.prior = msgspec.structs.replace(ClickPrior.count(tables()), weight=weight)
        return losses

    @torch.no_grad()
    def _scores(self, batch: Batch, own: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of the samples [P] against every ad of the batch: [P, B]."""
        sides = gather(self.table, batch, self.model.shape)
        scores = self.model.request_vector(sides.user)[own] @ self.model.ad_vector(sides.ads).T
        found: NDArray[np.float64] = scores.double().numpy()
        return found

    def export(self, folder: Path) -> None:
        """Write request_tower.onnx, ad_tower.onnx, table.npy, model.json and prior.json into an existing folder."""
        self.prior.save(folder)
        export_towers(folder, self.model, self.table, self.encoder.fingerprint)
