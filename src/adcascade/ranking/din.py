"""DIN: a shopper's interest depends on the ad that asks (Zhou et al., "Deep Interest Network", KDD 2018).

    w_l    = e(q, k_l)               attention of step l, by an activation unit (nn/attention.py)
    r(q)   = Σ_l w_l k_l             interest
    logit  = mlp([u; a; r(q)])

k_l holds the embeddings of step l of all sequences, q those of the ad's fields of the same kinds. As
in the paper the weights are not normalised: their sum tells how strong the interest is. The steps' part of the
attention is computed once per request, and so is the request's half of the MLP's first layer. Training reads ragged
histories (nn/interest.py): the same numbers, without the padding.

Reads: embedded, dense, history, mask; the encoder must declare a sequence.
Letters in shapes: B requests (1 when serving), n ads, L steps, C = S K, H hidden units of the attention.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.errors import ConfigurationError
from adcascade.learning.model import DeepModel, ScoringModel, Shape
from adcascade.nn.attention import ActivationUnit
from adcascade.nn.blocks import SplitLinear, last_map, mlp
from adcascade.nn.inputs import Inputs, flat
from adcascade.ranking.din_serving import ServedDIN


@dataclass(frozen=True, kw_only=True)
class DINConfig:
    """Sizes of the attention and of the network behind it."""

    attention: int = 64  # H
    hidden: tuple[int, ...] = (256, 128, 64)
    dropout: float = 0.0


class DIN(DeepModel):
    """Target attention over the history, then an MLP."""

    ragged = True
    targets: Tensor  # [S]

    def __init__(self, shape: Shape, config: DINConfig | None = None) -> None:
        super().__init__()
        if not shape.sequences:
            raise ConfigurationError("DIN needs a history; declare a feature of kind 'sequence', or choose dcn_v2")
        config = config or DINConfig()
        self.shape, self.config = shape, config
        c = shape.sequences * shape.width
        self.register_buffer("targets", torch.tensor(shape.targets), persistent=False)
        self.attention = ActivationUnit(c, config.attention)
        self.first = SplitLinear(shape.request_flat, shape.ad_flat + c, config.hidden[0])
        self.dropout = nn.Dropout(config.dropout)
        self.rest = mlp((*config.hidden, 1), dropout=config.dropout)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """Steps k [B, L, C], their map [B, L, H], the mask [B, L] as numbers, the MLP's request half [B, first]."""
        k = user.history.flatten(2)  # [B, L, C]
        return k, self.attention.step(k), user.mask.to(k.dtype), self.first.request(flat(user))

    def pairs(self, user: Inputs, ads: Inputs) -> Tensor:
        """The MLP's last hidden layer of B pairs; no step of padding costs anything where the history is ragged."""
        if user.history.dim() == 4:
            return self.represent(self.user_state(user), ads)
        q = ads.embedded.index_select(1, self.targets).flatten(1)  # [B, C]
        interest = self.attention.interest(q, user.history.flatten(1), user.mask.sum(dim=1))
        x = torch.cat((flat(user), flat(ads), interest), dim=1)
        first = F.linear(x, self.first.weight, self.first.bias)
        return self.rest[:-1](self.dropout(torch.relu(first)))  # type: ignore[no-any-return]

    @property
    def head(self) -> nn.Linear:
        """The MLP's last map."""
        return last_map(self.rest)

    def for_serving(self) -> ScoringModel:
        """One request's attention as one product of matrices."""
        return ServedDIN(self.shape, self.attention, self.first, self.rest)

    def represent(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """The MLP's last hidden layer of n ads."""
        k, stepped, mask, request = state
        q = ads.embedded[:, list(self.shape.targets)].flatten(1)  # [n, C]
        weight = self.attention(q, k, stepped) * mask  # [n, L]
        interest = (weight[:, :, None] * k).sum(dim=1)  # [n, C]
        first = request + self.first.ad(torch.cat((flat(ads), interest), dim=1))
        return self.rest[:-1](self.dropout(torch.relu(first)))  # type: ignore[no-any-return]
