"""Learning the pre-ranker from a trained ranker's probabilities: distillation (imports torch)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.features import AdFeatures
from adcascade.learning.loop import Progress, Training, fit, predict
from adcascade.learning.model import ScoringModel
from adcascade.nn.table import EmbeddingTable
from adcascade.preranking.distillation import DistillationConfig, DistilledBlocks, Rows
from adcascade.preranking.export import export_student
from adcascade.preranking.mlp import PrerankingConfig
from adcascade.preranking.student import Source, student_of


@dataclass(kw_only=True)
class PrerankingLearner:
    """A student of `teacher`, a ranking model with its table; both read the same encoder's batches."""

    teacher: ScoringModel
    teacher_table: EmbeddingTable
    ads: AdFeatures  # of the catalog
    config: PrerankingConfig = field(default_factory=PrerankingConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    training: Training = field(default_factory=lambda: Training(epochs=2, batch_size=1024, rate=3e-3))

    def __post_init__(self) -> None:
        self.model, self.table = student_of(self.teacher_table, self.ads.encoder, self.config, self.training.seed)

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
        """Write what the stage's scorer loads into an existing folder."""
        export_student(folder, self.model, self.table, self.ads.encoder.fingerprint)


def distilled(source: Source, *, epochs: int = 1, rate: float = 3e-3) -> PrerankingLearner:
    """The method "mlp": one pass over the log, four ads a request."""
    learner = PrerankingLearner(
        teacher=source.teacher,
        teacher_table=source.teacher_table,
        ads=source.ads,
        distillation=DistillationConfig(ads_per_request=4, seed=source.seed),
        training=Training(epochs=epochs, batch_size=1024, rate=rate, seed=source.seed),
    )
    learner.fit(source.tables, source.live, progress=source.progress)
    return learner
