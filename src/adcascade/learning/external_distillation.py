"""External distillation: the objective by which `fit` trains a student with a teacher's logged predictions.

    each batch: adapter step (if there is one), then  L = L_s + w L_d + v h(ŷ_D2, q)

The teacher's columns travel with the samples as extra ones (see supervision.py, which joins them): they are never
features, for at serving nobody knows them. The formulas are in auxiliary_head.py and student_adapter.py.
Letters in shapes: B samples.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from adcascade.learning.auxiliary_head import AuxiliaryConfig, AuxiliaryHeads, auxiliary_loss, masked_loss
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Progress, Sides, Training, fit
from adcascade.learning.model import DeepModel, ScoringModel
from adcascade.learning.student_adapter import AdapterLearner, Told
from adcascade.learning.supervision import AGE, TEACHER
from adcascade.nn.table import EmbeddingTable

EXTRA = (TEACHER, AGE)  # what LabelledBlocks must carry along


class ExternalDistillation:
    """An Objective for `fit(heads, ..., objective=...)`; without an adapter the third head learns nothing."""

    def __init__(self, heads: AuxiliaryHeads, adapter: AdapterLearner | None = None) -> None:
        self.heads, self.adapter = heads, adapter

    def __call__(self, model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
        """L of a batch -> (). ValueError where another model than these heads is trained."""
        if model is not self.heads:
            raise ValueError(f"the objective belongs to other heads than the {type(model).__name__} that is trained")
        label, weight = torch.from_numpy(samples.label), torch.from_numpy(samples.weight)
        told = told_of(samples)
        heads, config = self.heads.heads(sides.user, sides.ads), self.heads.config
        loss = auxiliary_loss(heads, label, told.teacher, weight, config)
        if self.adapter is None:
            return loss
        self.adapter.update(told, label, weight)
        return loss + config.adapted * masked_loss(heads.adapted, self.adapter.label(told), weight)


def told_of(samples: Labelled) -> Told:
    """The teacher's columns of B samples; an unknown age is 0, for its row is masked anyway."""
    return Told(
        teacher=torch.from_numpy(samples.extra[TEACHER]),
        age=torch.from_numpy(samples.extra[AGE]).nan_to_num(nan=0.0),
        domain=torch.from_numpy(samples.batch.scenario),
    )


def fit_with_teacher(
    student: DeepModel,
    table: EmbeddingTable,
    blocks: Iterable[Labelled],
    training: Training,
    config: AuxiliaryConfig,
    *,
    adapter: AdapterLearner | None = None,
    progress: Progress | None = None,
) -> list[float]:
    """Train a student and its table in place, as `fit` would without a teacher; the mean loss L of each epoch."""
    heads = AuxiliaryHeads(student, config)
    return fit(heads, table, blocks, training, objective=ExternalDistillation(heads, adapter), progress=progress)
