"""What AdaSparse is compared with: the same network without pruners, with a head a scene, and with masks by chance.

Letters in shapes: B pairs, n ads, C scenes, N neurons of a layer.
"""

import torch
from torch import Tensor, nn

from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.blocks import SplitLinear, mlp
from adcascade.nn.inputs import Inputs, flat
from adcascade.ranking.adasparse import AdaSparse, AdaSparseConfig


class Mixed(ScoringModel):
    """One MLP for all scenes; the scene is a feature like any other."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.first = SplitLinear(shape.request_flat, shape.ad_flat, hidden[0])
        self.rest = mlp((*hidden, 1))

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's half of the first layer, [B, N]."""
        return (self.first.request(flat(user)),)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        return self.rest(torch.relu(state[0] + self.first.ad(flat(ads)))).squeeze(1)  # type: ignore[no-any-return]


class Heads(ScoringModel):
    """One MLP whose last layer each scene has for itself; the request's numbers say which scene it is."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.first = SplitLinear(shape.request_flat, shape.ad_flat, hidden[0])
        self.rest = mlp(hidden)
        self.heads = nn.Linear(hidden[-1], shape.request_numbers)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's half of the first layer [B, N], and the scene as one of C numbers [B, C]."""
        return self.first.request(flat(user)), user.dense

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        logits = self.heads(self.rest(torch.relu(state[0] + self.first.ad(flat(ads)))))  # [n, C]
        return (logits * state[1]).sum(dim=1)  # type: ignore[no-any-return]


class RandomMasks(AdaSparse):
    """AdaSparse whose masks are 0 or 1 by chance, fixed: what the sparsity alone is worth."""

    def __init__(self, shape: Shape, config: AdaSparseConfig, share: float) -> None:
        super().__init__(shape, config)
        self.drawn = [(torch.rand(shape.request_numbers, n) >= share).float() for n in config.hidden]  # [C, N] each

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """As the whole model's, with the scene's masks."""
        return self.first.request(flat(user)), *(user.dense @ masks for masks in self.drawn)
