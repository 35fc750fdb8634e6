"""Student adapter: a few weights that bring a stale teacher up to date (ExFM, arXiv 2502.17494).

    ŷ_SA = logit(ŷ_F) + mlp([logit(ŷ_F), age, onehot(domain)])       learned from y alone, by its own optimiser
    q    = stop_gradient(σ(ŷ_SA))                                    what the student's second head learns

The paper's adapter reads ŷ_F alone and can only bend the teacher's scale. This one reads as well how old the teacher
was and in which domain (scenario) the impression happened, so that it can follow a drift that differs between them.
The sum with logit(ŷ_F) is an addition too: with the last map at zero the adapter starts as the teacher itself.

Each batch: (a) one step of the adapter on the batch's labels, (b) q from the adapter as it is now, detached, (c) the
student's step. Rows whose ŷ_F is NaN teach the adapter nothing, and their q is NaN.
Letters in shapes: B samples, D domains.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.learning.auxiliary_head import masked_loss

NEAREST = 1e-6  # to 0 or 1 that a teacher's probability is taken at


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Size and learning rate."""

    hidden: int = 8
    rate: float = 1e-2  # of its own Adam


class Told(NamedTuple):
    """What the adapter reads of B samples."""

    teacher: Tensor  # [B] probability, NaN where unknown
    age: Tensor  # [B] days from the end of the teacher's data to the impression
    domain: Tensor  # [B] int64, 0 <= domain < D


class StudentAdapter(nn.Module):
    """The map from the teacher's probability to today's logit."""

    def __init__(self, domains: int = 1, config: AdapterConfig | None = None) -> None:
        super().__init__()
        config = config or AdapterConfig()
        self.domains = domains
        self.first = nn.Linear(2 + domains, config.hidden)
        self.last = nn.Linear(config.hidden, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, told: Told) -> Tensor:
        """Logits [B], NaN where the teacher is unknown."""
        logit = torch.logit(told.teacher, NEAREST)
        domain = F.one_hot(told.domain, self.domains).to(logit.dtype)  # [B, D]
        read = torch.cat((logit[:, None], told.age[:, None], domain), dim=1)  # [B, 2 + D]
        return logit + self.last(torch.relu(self.first(read))).squeeze(1)  # type: ignore[no-any-return]


class AdapterLearner:
    """The adapter with its optimiser: `update`, then `label`."""

    def __init__(self, adapter: StudentAdapter, config: AdapterConfig | None = None) -> None:
        self.adapter = adapter
        self._optimiser = torch.optim.Adam(adapter.parameters(), lr=(config or AdapterConfig()).rate)

    def update(self, told: Told, label: Tensor, weight: Tensor) -> float:
        """(a) One step towards the labels [B] on the rows whose teacher is known; the loss before it."""
        known = ~told.teacher.isnan()
        loss = masked_loss(self.adapter(Told(*(part[known] for part in told))), label[known], weight[known])
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return float(loss.detach())

    @torch.no_grad()
    def label(self, told: Told) -> Tensor:
        """(b) q: the adapter's probabilities [B], without a way back into it."""
        return torch.sigmoid(self.adapter(told))
