"""Learning the pre-ranker from a trained ranker (imports torch)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.features import AdFeatures
from adcascade.learning.export import export
from adcascade.learning.loop import Progress, Training, fit, predict
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.preranking.distillation import DistillationConfig, DistilledBlocks, Rows
from adcascade.preranking.mlp import PrerankingConfig, PrerankingMLP


@dataclass(kw_only=True)
class PrerankingLearner:
    """A student of `teacher`, a ranking model with its table; both read the same encoder's batches.

    The student's table begins as a copy of the teacher's, so that only the small network starts from nothing.
    """

    teacher: ScoringModel
    teacher_table: PackedEmbedding
    ads: AdFeatures  # of the catalog
    config: PrerankingConfig = field(default_factory=PrerankingConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    training: Training = field(default_factory=lambda: Training(epochs=2, batch_size=1024, rate=3e-3))

    def __post_init__(self) -> None:
        torch.manual_seed(self.training.seed)
        width = self.teacher_table.width
        self.model = PrerankingMLP(Shape.of(self.ads.encoder, width), self.config)
        self.table = PackedEmbedding(len(self.teacher_table.weight), TableConfig(width=width, rate=0.005))
        self.table.weight[:] = self.teacher_table.weight

    def judge(self, batch: Batch) -> NDArray[np.float32]:
        """The teacher's logits [B]."""
        return predict(self.teacher, self.teacher_table, batch)

    def fit(
        self, tables: Callable[[], Iterable[pa.Table]], live: Rows, *, progress: Progress | None = None
    ) -> list[float]:
        """Learn from sample tables of the log and the catalog rows that may be drawn; the mean loss of each epoch."""
        blocks = DistilledBlocks(tables, self.ads, live, self.judge, self.distillation)
        return fit(self.model, self.table, blocks, self.training, progress=progress)

    def export(self, folder: Path) -> None:
        """Write what the stage's Scorer loads into an existing folder."""
        export(folder, self.model, self.table, self.ads.encoder.fingerprint)
