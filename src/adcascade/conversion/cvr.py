"""CVR head: the probability that a click leads to a conversion (imports torch: learning only).

    logit = b + sum of mean(e) over all embeddings e + c . numbers + mlp(relu(W_u u + W_a a))

The first three terms are logistic regression with one weight a value (the mean of its embedding) and carry the model
where conversions are few; then `hidden` is empty and they are all there is. The tower adds what many conversions
can teach. The request's halves are computed once per request. b starts at the log-odds of the base rate, so that a
model that learned nothing is calibrated.

Reads: embedded, dense, history (as a mean), mask.
Letters in shapes: B pairs, n ads, U width of u, A of a, H of the tower's first layer.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.blocks import SplitLinear, mlp
from adcascade.nn.inputs import Inputs, flat, history_mean


@dataclass(frozen=True, kw_only=True)
class CVRConfig:
    """Sizes of the tower, and where the bias starts."""

    hidden: tuple[int, ...] = (64, 32)  # the first is H; empty: logistic regression
    base_logit: float = 0.0  # log-odds of a conversion after a click
    dropout: float = 0.1


class CVRModel(ScoringModel):
    """A linear part and, where it pays, a tower."""

    def __init__(self, shape: Shape, config: CVRConfig | None = None) -> None:
        super().__init__()
        config = config or CVRConfig()
        self.shape, self.config = shape, config
        u, a = shape.request_flat + shape.sequences * shape.width, shape.ad_flat
        self.bias = nn.Parameter(torch.tensor([config.base_logit]))
        self.request_numbers = nn.Parameter(torch.zeros(shape.request_numbers))
        self.ad_numbers = nn.Parameter(torch.zeros(shape.ad_numbers))
        self.first = SplitLinear(u, a, config.hidden[0]) if config.hidden else None
        self.tower = mlp((*config.hidden, 1), dropout=config.dropout) if config.hidden else None

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's part of the logit [B] and, with a tower, of its first layer [B, H]."""
        linear = self.bias + user.embedded.mean(dim=2).sum(dim=1) + user.dense @ self.request_numbers
        u = flat(user)
        if self.shape.sequences:
            history = history_mean(user)  # [B, S K]
            linear = linear + history.sum(dim=1) / self.shape.width
            u = torch.cat((u, history), dim=1)
        return (linear,) if self.first is None else (linear, self.first.request(u))

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        logit = state[0] + ads.embedded.mean(dim=2).sum(dim=1) + ads.dense @ self.ad_numbers
        if self.first is None or self.tower is None:
            return logit
        deep: Tensor = self.tower(torch.relu(state[1] + self.first.ad(flat(ads))))
        return logit + deep.squeeze(1)
