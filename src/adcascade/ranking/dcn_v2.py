"""DCN-V2, parallel: a cross network beside an MLP (Wang et al., "DCN V2", WWW 2021).

    x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l          cross layers
    logit   = v · [x_C ; mlp(x_0)] + c

x_0 = [u; a] holds the embeddings and numbers of the request (u, with the mean of each history) and
of the ad (a). The first cross layer and the first layer of the MLP are linear in x_0, so their request
half W_u u is computed once per request and only W_a a per ad; the numbers are the same. Training pairs share no
request: there the maps are whole again, and the cross layers run in blocks (nn/cross.py).

Reads: embedded, dense, history (as a mean), mask.
Letters in shapes: B pairs, n ads, U width of u, A of a, H of the MLP's first layer.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.learning.model import DeepModel, Shape
from adcascade.nn.blocks import SplitLinear, mlp
from adcascade.nn.cross import cross
from adcascade.nn.inputs import Inputs, flat, history_mean


@dataclass(frozen=True, kw_only=True)
class DCNv2Config:
    """Sizes of the two networks."""

    cross_layers: int = 3
    hidden: tuple[int, ...] = (256, 128, 64)
    dropout: float = 0.0


class DCNv2(DeepModel):
    """The two networks side by side."""

    def __init__(self, shape: Shape, config: DCNv2Config | None = None) -> None:
        super().__init__()
        config = config or DCNv2Config()
        self.shape, self.config = shape, config
        u, a = shape.request_flat + shape.sequences * shape.width, shape.ad_flat
        self.first_cross = SplitLinear(u, a, u + a)
        self.crosses = nn.ModuleList(nn.Linear(u + a, u + a) for _ in range(config.cross_layers - 1))
        self.first_hidden = SplitLinear(u, a, config.hidden[0])
        self.hidden = mlp(config.hidden, dropout=config.dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.last = nn.Linear(u + a + config.hidden[-1], 1)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """u [B, U], its half of the first cross layer [B, U + A] and of the MLP's first layer [B, H]."""
        u = self._request(user)
        return u, self.first_cross.request(u), self.first_hidden.request(u)

    def _request(self, user: Inputs) -> Tensor:
        """u, [B, U]."""
        return torch.cat((flat(user), history_mean(user)), dim=1) if self.shape.sequences else flat(user)

    def pairs(self, user: Inputs, ads: Inputs) -> Tensor:
        """[x_C ; mlp(x_0)] of B pairs that share no request."""
        x_0 = torch.cat((self._request(user), flat(ads)), dim=1)  # [B, U + A]
        maps = (self.first_cross, *self.crosses)
        x = cross(x_0, [one.weight for one in maps], [one.bias for one in maps])
        first = F.linear(x_0, self.first_hidden.weight, self.first_hidden.bias)
        return torch.cat((x, self.hidden(self.dropout(torch.relu(first)))), dim=1)

    @property
    def head(self) -> nn.Linear:
        """v and c."""
        return self.last

    def represent(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """[x_C ; mlp(x_0)] of n ads."""
        u, crossed_u, hidden_u = state
        a = flat(ads)  # [n, A]
        x_0 = torch.cat((u.expand(a.shape[0], -1), a), dim=1)  # [n, U + A]
        x = x_0 * (crossed_u + self.first_cross.ad(a)) + x_0
        for layer in self.crosses:
            x = x_0 * layer(x) + x
        deep = self.hidden(self.dropout(torch.relu(hidden_u + self.first_hidden.ad(a))))
        return torch.cat((x, deep), dim=1)
