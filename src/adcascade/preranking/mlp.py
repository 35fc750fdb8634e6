"""Pre-ranking MLP: what the ranker says, said with a small network (imports torch: learning only).

    logit = mlp(relu(W_u u + W_a a + b))          [u; a]: request and ad; W_u u + b once per request

u holds the request's embeddings and numbers and the mean of each history, a those of the ad. Per ad it costs two
small matrix products, an order of magnitude less than a ranker. Trained on the ranker's probabilities (see
learn.py). Compare Wang et al., "COLD: towards the next generation of pre-ranking system" (2020).

Reads: embedded, dense, history (as a mean), mask.
Letters in shapes: B pairs, n ads, U width of u, A of a, H of the first layer.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.blocks import SplitLinear, mlp
from adcascade.nn.inputs import Inputs, flat, history_mean


@dataclass(frozen=True, kw_only=True)
class PrerankingConfig:
    """Sizes of the network."""

    hidden: tuple[int, ...] = (64, 32)  # the first is H


class PrerankingMLP(ScoringModel):
    """A split first layer and a short tower."""

    def __init__(self, shape: Shape, config: PrerankingConfig | None = None) -> None:
        super().__init__()
        config = config or PrerankingConfig()
        self.shape, self.config = shape, config
        u, a = shape.request_flat + shape.sequences * shape.width, shape.ad_flat
        self.first = SplitLinear(u, a, config.hidden[0])
        self.tower = mlp((*config.hidden, 1))

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's half of the first layer, [B, H]."""
        u = torch.cat((flat(user), history_mean(user)), dim=1) if self.shape.sequences else flat(user)
        return (self.first.request(u),)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        hidden = torch.relu(state[0] + self.first.ad(flat(ads)))  # [n, H]
        return self.tower(hidden).squeeze(1)  # type: ignore[no-any-return]
