"""NANN: a neural network with target attention as the measure of nearness by which ads are searched.

    e_v   = layer_norm(item_network(ad))                           fixed scale, no gain and no shift
    alpha = softmax_l( Q(e_v) . K(x_l) / sqrt(A) )                 over the steps x_l of the history
    s_u(v) = score_network([profile; mean_l x_l; sum_l alpha_l x_l; e_v])

The network reads an ad only through e_v [E]: so a graph over the e_v can be walked by s_u (beam_walk.py), once
flatness.py has taught s_u to change little between neighbours. Everything of the request alone is computed once: K,
the first layer's half of profile and history, and, by linearity, the first layer of each step: W sum_l alpha_l x_l =
sum_l alpha_l W x_l.

Source: Chen et al., "Approximate Nearest Neighbor Search under Neural Similarity Metric for Large-Scale
Recommendation", arXiv 2202.10226. Left aside here: batch norms (a score would hang on who else is scored), PReLU
(ReLU), sums of the history (means, whose scale is that of one step), and half of the widths. e_v is normalised, which
the paper does not do: else the network grows e_v until the perturbation of flatness.py means nothing.

Reads: embedded, dense, history, mask.
Letters in shapes: B requests, n ads, L steps, S sequences, E width of e_v, A of the attention, H of the first layer.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.blocks import mlp
from adcascade.nn.inputs import Inputs, flat, history_mean

EPS = 1e-5  # of the layer norm


@dataclass(frozen=True, kw_only=True)
class NannConfig:
    """Sizes."""

    width: int = 32  # E
    item_hidden: tuple[int, ...] = (64,)
    attends: bool = True  # False: the history is its mean, an ablation
    attention: int = 32  # A
    attention_hidden: int = 64
    hidden: tuple[int, int] = (64, 32)  # H, and the second layer's


class NannModel(ScoringModel):
    """The networks; `item_vectors` and `score_vectors` are what index and walk use."""

    def __init__(self, shape: Shape, config: NannConfig | None = None) -> None:
        """Fresh networks for what the encoder gives."""
        super().__init__()
        self.shape, self.config = shape, config or NannConfig()
        c, step = self.config, shape.sequences * shape.width
        first, second = c.hidden
        self.item_network = mlp((shape.ad_flat, *c.item_hidden))
        self.item_last = nn.Linear(c.item_hidden[-1], c.width)
        self.profile_first = nn.Linear(shape.request_flat + step, first)
        self.item_first = nn.Linear(c.width, first, bias=False)
        self.attends = c.attends and step > 0
        if self.attends:
            self.query = nn.Sequential(*mlp((c.width, c.attention_hidden)), nn.Linear(c.attention_hidden, c.attention))
            self.key = nn.Sequential(*mlp((step, c.attention_hidden)), nn.Linear(c.attention_hidden, c.attention))
            self.history_first = nn.Linear(step, first, bias=False)
        self.second = nn.Linear(first, second)
        self.last = nn.Linear(second, 1, bias=False)
        self.gain: Tensor  # how far the scores are trusted, 1 until `blend` says otherwise
        self.register_buffer("gain", torch.tensor(1.0))

    def item_vectors(self, ads: Inputs) -> Tensor:
        """e_v: [n, E], each of mean 0 and variance 1."""
        return F.layer_norm(self.item_last(self.item_network(flat(ads))), (self.config.width,), eps=EPS)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """(base [B, H],) or (base, keys [B, L, A], values [B, L, H], mask [B, L]) where the history is attended."""
        profile = torch.cat((flat(user), history_mean(user)), dim=1) if self.shape.sequences else flat(user)
        base = self.profile_first(profile)
        if not self.attends:
            return (base,)
        steps = user.history.flatten(2)  # [B, L, S K]
        return base, self.key(steps) / math.sqrt(self.config.attention), self.history_first(steps), user.mask

    def score_vectors(self, state: tuple[Tensor, ...], e: Tensor) -> Tensor:
        """s_u of the vectors e [B, n, E] or, the same for all requests, [1, n, E]: -> [B, n]."""
        first = self.item_first(e) + state[0][:, None]  # [B, n, H]
        if self.attends:
            _, keys, values, mask = state
            closeness = self.query(e) @ keys.transpose(1, 2)  # [B, n, L]
            alpha = closeness.masked_fill(~mask[:, None], -1e30).softmax(dim=2)
            first = first + alpha @ values
        scores: Tensor = self.last(F.relu(self.second(F.relu(first)))).squeeze(2)
        return self.gain * scores

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """s_u(v): [n]; the state has leading dimension n or 1."""
        e = self.item_vectors(ads)  # [n, E]
        if len(state[0]) == 1:
            return self.score_vectors(state, e[None])[0]
        return self.score_vectors(state, e[:, None])[:, 0]
