"""Learning the pre-ranker from clicks alone, without the ranker: what other methods are measured by (imports torch)."""

from dataclasses import dataclass, field
from pathlib import Path

from adcascade.features import AdFeatures
from adcascade.learning.labelled import LabelledBlocks
from adcascade.learning.loop import Progress, Training, fit
from adcascade.nn.table import EmbeddingTable
from adcascade.preranking.export import export_student
from adcascade.preranking.mlp import PrerankingConfig
from adcascade.preranking.student import Source, Tables, student_of


@dataclass(kw_only=True)
class ClickLearner:
    """The same student as the others', by the log loss of clicks on what was shown."""

    teacher_table: EmbeddingTable
    ads: AdFeatures  # of the catalog
    config: PrerankingConfig = field(default_factory=PrerankingConfig)
    training: Training = field(default_factory=lambda: Training(epochs=4, batch_size=256, rate=3e-3))

    def __post_init__(self) -> None:
        self.model, self.table = student_of(self.teacher_table, self.ads.encoder, self.config, self.training.seed)

    def fit(self, tables: Tables, *, progress: Progress | None = None) -> list[float]:
        """Learn from sample tables of the log; the mean loss of each epoch."""
        return fit(self.model, self.table, LabelledBlocks(self.ads.encoder, tables), self.training, progress=progress)

    def export(self, folder: Path) -> None:
        """Write what the stage's scorer loads into an existing folder."""
        export_student(folder, self.model, self.table, self.ads.encoder.fingerprint)


def clicked(source: Source) -> ClickLearner:
    """The method "click"."""
    learner = ClickLearner(
        teacher_table=source.teacher_table,
        ads=source.ads,
        training=Training(epochs=4, batch_size=256, rate=3e-3, seed=source.seed),
    )
    learner.fit(source.tables, progress=source.progress)
    return learner
