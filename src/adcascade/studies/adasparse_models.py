"""What AdaSparse is compared with: no pruners, a head a scene, an MLP a scene, and masks by chance.

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


class Separate(ScoringModel):
    """An MLP for each scene; they have nothing in common but the table."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        each = range(shape.request_numbers)
        self.each = nn.ModuleList(mlp((shape.request_flat + shape.ad_flat, *hidden, 1)) for _ in each)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's embeddings and numbers [B, U], and the number of its scene [B]."""
        return flat(user), user.dense.argmax(dim=1)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]; each scene's own rows go through its network."""
        x, scene = torch.cat((state[0], flat(ads)), dim=1), state[1]  # [n, U + A], [n]
        logits = x.new_zeros(len(x))
        for place, one in enumerate(self.each):
            rows = (scene == place).nonzero().squeeze(1)
            logits = logits.index_put((rows,), one(x[rows]).squeeze(1))
        return logits


class RandomMasks(AdaSparse):
    """AdaSparse whose masks are 0 or 1 by chance, fixed: what the sparsity alone is worth."""

    def __init__(self, shape: Shape, config: AdaSparseConfig, share: float) -> None:
        super().__init__(shape, config)
        self.drawn = [(torch.rand(shape.request_numbers, n) >= share).float() for n in config.hidden]  # [C, N] each

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """As the whole model's, with the scene's masks."""
        return self.first.request(flat(user)), *(user.dense @ masks for masks in self.drawn)
