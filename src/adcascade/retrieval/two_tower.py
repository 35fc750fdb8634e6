"""TwoTowerLearner: from a sample set to what RetrievalStage loads: the towers, the prior, and their blend.

Nine rows of ten teach the towers; the clicks of every tenth row say how far to trust them (blend.py). The
prior that is exported counts all rows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import torch

from adcascade.features import Encoder
from adcascade.learning.labelled import LabelledBlocks
from adcascade.learning.loop import Progress, Training, fit, gather
from adcascade.learning.model import Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.retrieval.blend import Chunk, fit_blend
from adcascade.retrieval.draw_rates import RatedBlocks, ad_keys
from adcascade.retrieval.prior import ClickPrior
from adcascade.retrieval.tower_export import export_towers
from adcascade.retrieval.tower_model import TwoTower, TwoTowerConfig, two_tower_loss

Tables = Callable[[], Iterable[pa.Table]]
HELD = 10  # one row of so many is held out for the blend
COLUMNS = 2048  # ads among which a held-out click is picked


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
        parts = _Parts(tables)
        config = self.model.config
        blocks = RatedBlocks(
            LabelledBlocks(self.encoder, parts.taught),
            self.encoder.ad_fields,
            shown=config.shown,
            rate=config.target == "rate",
        )
        losses = fit(self.model, self.table, blocks, self.training, objective=two_tower_loss, progress=progress)
        weight, gain = fit_blend(self._chunks(parts))
        self.model.gain.fill_(gain)
        self.prior = msgspec.structs.replace(ClickPrior.count(tables()), weight=weight)
        return losses

    @torch.no_grad()
    def _chunks(self, parts: "_Parts") -> list[Chunk]:
        """The held-out clicks, each among the ads that were shown about the same time."""
        prior = ClickPrior.count(parts.taught())
        base, chunks = prior.base, []
        for table in parts.held():
            for start in range(0, len(table), COLUMNS):
                part = table.slice(start, COLUMNS)
                batch = self.encoder.encode({name: part[name] for name in part.column_names}, len(part))
                sides = gather(self.table, batch, self.model.shape)
                own = np.flatnonzero(part["click"].to_numpy() > 0)
                scores = self.model.request_vector(sides.user)[own] @ self.model.ad_vector(sides.ads).T
                log_prior = np.log(np.array(prior.ctr(part["ad"].to_pylist(), base)))
                keys = ad_keys(batch, self.encoder.ad_fields)
                chunks.append(Chunk(scores.double().numpy(), log_prior, own, keys))
        return chunks

    def export(self, folder: Path) -> None:
        """Write request_tower.onnx, ad_tower.onnx, table.npy, model.json and prior.json into an existing folder."""
        self.prior.save(folder)
        export_towers(folder, self.model, self.table, self.encoder.fingerprint)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The rows that teach, and every tenth row that is held out."""

    tables: Tables

    def taught(self) -> Iterable[pa.Table]:
        return (table.filter(np.arange(len(table)) % HELD != HELD - 1) for table in self.tables())

    def held(self) -> Iterable[pa.Table]:
        return (table.filter(np.arange(len(table)) % HELD == HELD - 1) for table in self.tables())
