"""Auxiliary head: a teacher's labels reach a student through a head of their own (ExFM, arXiv 2502.17494, WWW 2025).

    z    = backbone(x)                                    what the student's last map reads
    ŷ_S  = head(z)            L_s = h(ŷ_S, y)             serving head: the true label alone
    ŷ_D  = mlp_D(g_β(z))      L_d = h(ŷ_D, clip(α ŷ_F))   distillation head: the teacher's label alone
    ŷ_D2 = mlp_D2(g_β(z))     L_a = h(ŷ_D2, q)            a second one for the student adapter's label q
    L    = L_s + w L_d + v L_a

h is the log loss with logits, clip keeps to [0, 1], g_β is the identity whose gradient is multiplied by β. A teacher
that is wrong by a factor bends ŷ_D, which nobody serves, and not ŷ_S: the student learns the teacher's order through
z and its own level from the clicks. Click labels crowd near zero, so the teacher's gradient is made larger: by α in
the target, by w in head and backbone, by β in the backbone alone (w and β multiply there).

ŷ_F of NaN is "nobody asked the teacher": that row has no L_d. Losses are divided by the weight of *all* rows, so the
gradient of a row does not depend on how many others are missing.

Only `student` is exported: it is the plain model, and serving it costs what it cost before.
Letters in shapes: B samples, Z width of z.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.learning.model import DeepModel, ScoringModel
from adcascade.nn.blocks import mlp
from adcascade.nn.inputs import Inputs


@dataclass(frozen=True, kw_only=True)
class AuxiliaryConfig:
    """The three amplifiers, and the sizes of the heads that are thrown away; tune on the serving head's metrics."""

    alpha: float = 3.0  # label scaling
    weight: float = 2.0  # w, of L_d
    beta: float = 1.0  # gradient scaling
    adapted: float = 1.0  # v, of L_a
    hidden: tuple[int, ...] = (16,)  # of mlp_D and mlp_D2

    def __post_init__(self) -> None:
        """ValueError for an amplifier that would turn a loss round, or a target that could only be zero."""
        if self.alpha <= 0 or min(self.weight, self.beta, self.adapted) < 0:
            raise ValueError(f"{self}: alpha must be above 0; weight, beta and adapted at least 0")


class ScaleGradient(torch.autograd.Function):
    """The identity, whose gradient is multiplied by beta on its way back."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, beta: float) -> Tensor:
        """z itself, any shape."""
        ctx.beta = beta
        return z.view_as(z)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """beta times the gradient; beta itself has none."""
        return ctx.beta * gradients[0], None


class Heads(NamedTuple):
    """Logits [B] of the three heads."""

    serving: Tensor
    distilled: Tensor
    adapted: Tensor


class AuxiliaryHeads(ScoringModel):
    """A student with two heads beside its own; it scores exactly as the student does."""

    def __init__(self, student: DeepModel, config: AuxiliaryConfig | None = None) -> None:
        super().__init__()
        self.shape, self.student = student.shape, student
        self.config = config or AuxiliaryConfig()
        widths = (student.head.in_features, *self.config.hidden, 1)
        self.distilled, self.adapted = mlp(widths), mlp(widths)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The student's state."""
        return self.student.user_state(user)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """The serving head, [n]."""
        return self.student.score(state, ads)

    def heads(self, user: Inputs, ads: Inputs) -> Heads:
        """All heads on one backbone, for B pairs."""
        z = self.student.pairs(user, ads)  # [B, Z]
        scaled: Tensor = ScaleGradient.apply(z, self.config.beta)  # type: ignore[no-untyped-call]
        return Heads(*(head(part).squeeze(1) for head, part in self._on(z, scaled)))

    def _on(self, z: Tensor, scaled: Tensor) -> tuple[tuple[nn.Module, Tensor], ...]:
        """Each head with what it reads."""
        return (self.student.head, z), (self.distilled, scaled), (self.adapted, scaled)


def scaled_label(teacher: Tensor, alpha: float) -> Tensor:
    """clip(alpha p, 0, 1) of probabilities [B]; NaN stays NaN."""
    return (alpha * teacher).clamp(0, 1)


def masked_loss(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted log losses of the rows whose target is known (not NaN), over the weight of all rows; [B] -> ()."""
    known = ~target.isnan()
    losses = F.binary_cross_entropy_with_logits(logit[known].float(), target[known], weight[known], reduction="sum")
    return losses / weight.sum().clamp(min=1e-12)


def auxiliary_loss(heads: Heads, label: Tensor, teacher: Tensor, weight: Tensor, config: AuxiliaryConfig) -> Tensor:
    """L_s + w L_d of labels, teacher's probabilities (NaN: unknown) and row weights, [B] each -> ()."""
    distilled = masked_loss(heads.distilled, scaled_label(teacher, config.alpha), weight)
    return masked_loss(heads.serving, label, weight) + config.weight * distilled
