"""Energies: how strongly a step of the history speaks for an ad.

    ActivationUnit   e_l = v · act( Wq q + Wk k_l + Wd (q - k_l) + Wp (q ⊙ k_l) + b )      (DIN, KDD 2018)
    Bilinear         e_l = qᵀ W k_l / sqrt(C)

`step` is what a step needs to be asked any question, computed once per request. In the activation unit, by linearity
Wq q + Wk k + Wd (q - k) = (Wq + Wd) q + (Wk - Wd) k, so two maps are learned, and the steps' one is such.

Letters in shapes: B requests (1 when serving), n ads, L steps, C width of a step, H hidden units.
"""

import torch
from torch import Tensor, nn

from adcascade.nn.interest import Unit, interest


class ActivationUnit(nn.Module):
    """Energies of the steps; not normalised, and no step is masked here."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.ask = nn.Linear(width, hidden)  # Wq + Wd, and b
        self.step = nn.Linear(width, hidden, bias=False)  # Wk - Wd
        self.meet = nn.Linear(width, hidden, bias=False)  # Wp
        self.activation = nn.PReLU()
        self.weigh = nn.Linear(hidden, 1)

    def forward(self, q: Tensor, k: Tensor, stepped: Tensor) -> Tensor:
        """q [n, C], k [B, L, C] and stepped = self.step(k) [B, L, H], B = n or 1 -> energies [n, L]."""
        hidden = self.activation(self.ask(q)[:, None] + stepped + self.meet(q[:, None] * k))  # [n, L, H]
        return self.weigh(hidden).squeeze(2)  # type: ignore[no-any-return]

    def interest(self, q: Tensor, steps: Tensor, lengths: Tensor) -> Tensor:
        """Σ_l e_l k_l [B, C] of q [B, C] and ragged steps [N, C], of which lengths [B] belong to each sample."""
        maps = torch.cat((self.step.weight, self.meet.weight), dim=1)
        unit = Unit(maps, self.activation.weight, self.weigh.weight[0], self.weigh.bias)
        return interest(self.ask(q), q, steps, lengths, unit)


class Bilinear(nn.Module):
    """The scalar product of a question with the mapped step; zero on average at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.step = nn.Linear(width, width, bias=False)  # W

    def forward(self, q: Tensor, k: Tensor, stepped: Tensor) -> Tensor:  # noqa: ARG002  an energy's signature
        """q [n, C] and stepped = self.step(k) [B, L, C], B = n or 1 -> energies [n, L]."""
        energies: Tensor = (q[:, None] * stepped).sum(dim=2) / q.shape[1] ** 0.5
        return energies
