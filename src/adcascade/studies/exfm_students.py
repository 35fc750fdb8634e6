"""The students of the ExFM study: one small DCN-V2, trained in a single pass with or without a teacher.

    none    h(ŷ_S, y)
    KD      h(ŷ_S, y) + h(ŷ_S, ŷ_F)           plain distillation: the teacher's label in the serving head
    AH      L_s + w L_d                       an auxiliary head (learning/auxiliary_head.py)
    AH+SA   L_s + w L_d + v L_a               with a student adapter beside it (learning/student_adapter.py)

All have the same model, table, batches, rates and seed; only the loss differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from adcascade.contracts import Batch
from adcascade.learning.auxiliary_head import AuxiliaryConfig, masked_loss
from adcascade.learning.external_distillation import fit_with_teacher
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Sides, Training, fit, predict
from adcascade.learning.model import ScoringModel, Shape
from adcascade.learning.student_adapter import AdapterConfig, AdapterLearner, StudentAdapter
from adcascade.learning.supervision import TEACHER
from adcascade.metrics import auc, normalised_entropy
from adcascade.metrics.logistic import sigmoid
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config
from adcascade.studies.exfm_world import Floats

SMALL = DCNv2Config(cross_layers=1, hidden=(32,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a student is, and how it is trained."""

    shape: Shape
    rows: int  # of its table
    domains: int = 1
    batch: int = 512
    rate: float = 2e-3
    table_rate: float = 0.05
    falling: bool = False  # the rates fall to zero by the end
    model: DCNv2Config = SMALL

    def table(self, seed: int) -> PackedEmbedding:
        """A new table."""
        config = TableConfig(width=self.shape.width, rate=self.table_rate, start=1e-6, init_std=0.05)
        return PackedEmbedding(self.rows, config, seed=seed)

    def training(self, blocks: Sequence[Labelled], seed: int) -> Training:
        """One pass over the blocks."""
        rows = sum(map(len, blocks)) if self.falling else 0
        return Training(epochs=1, batch_size=self.batch, rate=self.rate, rows=rows, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a student learns. config None and shared 0: from the clicks alone."""

    shared: float = 0.0  # weight of the teacher's label in the serving head: KD
    config: AuxiliaryConfig | None = None
    adapter: bool = False


NONE, KD = Way(), Way(shared=1.0)
AH = Way(config=AuxiliaryConfig())
STRONG = Way(config=AuxiliaryConfig(alpha=1.0, weight=2.0, beta=10.0))
ADAPTED = Way(config=AuxiliaryConfig(weight=1.0, adapted=1.0), adapter=True)


class Student:
    """A trained student, which can be asked."""

    def __init__(self, model: DCNv2, table: PackedEmbedding) -> None:
        self.model, self.table = model, table

    def __call__(self, batch: Batch) -> Floats:
        """Probabilities of the serving head, [B]."""
        return sigmoid(predict(self.model, self.table, batch).astype(np.float64))


def student(plan: Plan, way: Way, blocks: Sequence[Labelled], seed: int) -> Student:
    """Train one."""
    torch.manual_seed(seed)
    model, table = DCNv2(plan.shape, plan.model), plan.table(seed)
    training = plan.training(blocks, seed)
    if way.config is None:
        fit(model, table, blocks, training, objective=partial(shared_head, share=way.shared))
    else:
        config = AdapterConfig()
        adapter = AdapterLearner(StudentAdapter(plan.domains, config), config) if way.adapter else None
        fit_with_teacher(model, table, blocks, training, way.config, adapter=adapter)
    return Student(model, table)


def shared_head(model: ScoringModel, sides: Sides, samples: Labelled, *, share: float) -> Tensor:
    """Plain distillation: true and teacher's label in one head."""
    logit, weight = model(sides.user, sides.ads), torch.from_numpy(samples.weight)
    teacher = masked_loss(logit, torch.from_numpy(samples.extra[TEACHER]), weight)
    return masked_loss(logit, torch.from_numpy(samples.label), weight) + share * teacher


def judged(truth: Floats, predicted: Floats) -> dict[str, float]:
    """Against true probabilities or labels, [n] each; calibration_off = |mean prediction / mean truth - 1|."""
    return {
        "auc": auc(truth, predicted),
        "normalised_entropy": normalised_entropy(truth, predicted),
        "calibration_off": abs(float(predicted.mean() / truth.mean()) - 1),
    }
