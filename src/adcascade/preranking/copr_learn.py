"""Learning the pre-ranker from the engine's own funnel log: COPR (imports torch). The loss is in copr.py."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from adcascade.features import AdFeatures
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Objective, Progress, Sides, Training, fit, sample_loss
from adcascade.learning.model import ScoringModel
from adcascade.nn.table import EmbeddingTable
from adcascade.preranking.copr import CoprConfig, log_value, rank_alignment
from adcascade.preranking.export import export_student
from adcascade.preranking.mixed import MixedBlocks
from adcascade.preranking.mlp import PrerankingConfig
from adcascade.preranking.student import Source, Tables, student_of

EPOCHS, RATE = 4, 1e-2


@dataclass(frozen=True)
class CoprLoss:
    """The objective of a mixed batch: L_ctr of its impressions and lambda times L_rank of its lists."""

    config: CoprConfig

    def __call__(self, model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
        """-> ()."""
        logit = model.learn(sides.user, sides.ads)  # [B + P, 1]
        value, present = grid(logit[:, 0], samples, self.config)
        return sample_loss(logit, samples) + self.config.strength * rank_alignment(value, present, self.config)


def grid(logit: Tensor, samples: Labelled, config: CoprConfig) -> tuple[Tensor, Tensor]:
    """The list ads of a mixed batch at their places: logits [B + P] -> e [G, D], and where there is an ad, bool."""
    extra = {name: torch.from_numpy(values) for name, values in samples.extra.items()}
    listed = extra["list"] >= 0
    at = extra["list"][listed].long(), extra["place"][listed].long()
    shape = (config.lists, config.chunks)
    value = log_value(logit[listed], extra["log_bid"][listed], extra["per_click"][listed])
    present = torch.zeros(shape, dtype=torch.bool)
    present[at] = True
    return torch.zeros(shape).index_put(at, value), present


@dataclass(kw_only=True)
class CoprLearner:
    """The same student as the distilled one's; only what it is taught differs. It never asks the ranker itself."""

    teacher_table: EmbeddingTable
    ads: AdFeatures  # of the catalog
    config: PrerankingConfig = field(default_factory=PrerankingConfig)
    copr: CoprConfig = field(default_factory=CoprConfig)
    training: Training = field(default_factory=lambda: Training(epochs=EPOCHS, rate=RATE))
    objective: Callable[[CoprConfig], Objective] = CoprLoss

    def __post_init__(self) -> None:
        self.model, self.table = student_of(self.teacher_table, self.ads.encoder, self.config, self.training.seed)

    def fit(self, tables: Tables, lists: Tables, *, progress: Progress | None = None) -> list[float]:
        """Learn from sample tables and ranking lists of the log; the mean loss of each epoch."""
        blocks = MixedBlocks(tables, lists, self.ads, self.copr, seed=self.training.seed)
        whole = self.copr.impressions + self.copr.lists * self.copr.chunks  # a block is one batch
        training = replace(self.training, batch_size=whole)
        return fit(self.model, self.table, blocks, training, objective=self.objective(self.copr), progress=progress)

    def export(self, folder: Path) -> None:
        """Write what the stage's scorer loads into an existing folder."""
        export_student(folder, self.model, self.table, self.ads.encoder.fingerprint)


def aligned(source: Source, *, objective: Callable[[CoprConfig], Objective] = CoprLoss) -> CoprLearner:
    """The method "copr". objective: another loss on the very same batches."""
    learner = CoprLearner(
        teacher_table=source.teacher_table,
        ads=source.ads,
        training=Training(epochs=EPOCHS, rate=RATE, seed=source.seed),
        objective=objective,
    )
    learner.fit(source.tables, source.lists, progress=source.progress)
    return learner
