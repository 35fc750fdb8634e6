"""DIN as it is exported: the same numbers for one request and many ads, by fewer and larger products.

The activation unit asks each step  h_l = (Wq + Wd) q + Wp (q ⊙ k_l) + (Wk - Wd) k_l + b.  For one request k_l is given,
so this is linear in q with a map of its own for each step, made once a request:

    h_l = M_l q + o_l,    M_l = (Wq + Wd) + Wp diag(k_l),    o_l = (Wk - Wd) k_l + b

and all steps of all ads are one product of matrices. PReLU with slope s is  s x + (1 - s) relu(x),  whose first part
is linear too:  e_l = (1 - s) v · relu(h_l) + s (vᵀ M_l) q + s v · o_l + c.  No tensor [n, L, C] is ever made.

Letters in shapes: n ads, L steps, C width of a step, H hidden units of the attention.
"""

import torch
from torch import Tensor, nn

from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.attention import ActivationUnit
from adcascade.nn.blocks import SplitLinear
from adcascade.nn.inputs import Inputs, flat


class ServedDIN(ScoringModel):
    """What a DIN says of one request; a state has leading dimension 1."""

    def __init__(self, shape: Shape, attention: ActivationUnit, first: SplitLinear, rest: nn.Sequential) -> None:
        """Of a DIN's own parts, which stay its own."""
        super().__init__()
        self.shape, self.attention, self.first, self.rest = shape, attention, first, rest

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """M [1, C, L H], o [1, L H], their linear part [1, C, L] and [1, L], k, the mask, the MLP's request half."""
        unit = self.attention
        k = user.history.flatten(2)  # [1, L, C]
        maps = unit.ask.weight + unit.meet.weight * k[:, :, None]  # [1, L, H, C]
        offset = unit.step(k) + unit.ask.bias  # [1, L, H]
        slope, v = unit.activation.weight, unit.weigh.weight[0]
        linear = slope * (unit.ask.weight.T @ v + (unit.meet.weight.T @ v) * k).transpose(1, 2)
        constant = slope * (offset @ v) + unit.weigh.bias  # [1, L]
        flat_maps = maps.flatten(1, 2).transpose(1, 2)  # [1, C, L H]
        mask = user.mask.to(k.dtype)
        return flat_maps, offset.flatten(1), linear, constant, k, mask, self.first.request(flat(user))

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        maps, offset, linear, constant, k, mask, request = state
        unit = self.attention
        q = ads.embedded[:, list(self.shape.targets)].flatten(1)  # [n, C]
        hidden = torch.relu(torch.addmm(offset[0], q, maps[0]))  # [n, L H]
        v = (1.0 - unit.activation.weight) * unit.weigh.weight  # [1, H]
        bent = (hidden.reshape(-1, v.shape[1]) @ v.T).reshape(-1, k.shape[1])  # [n, L]; 2-d, which is the quick product
        weight = (bent + torch.addmm(constant[0], q, linear[0])) * mask
        first = request + self.first.ad(torch.cat((flat(ads), weight @ k[0]), dim=1))
        return self.rest(torch.relu(first)).squeeze(1)  # type: ignore[no-any-return]
