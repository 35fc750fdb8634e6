"""KFAtt in DIN: the history pooled by Kalman filtering attention instead of a weighted sum (arXiv 2010.00985, JD.com).

    e_l    = energy(q, k_l)                          how much a step under query k_l says about the ad's query q
    v̂(q)   = posterior mean of the interest          prior N(μ_q, σ_q²), base or frequency-capped (nn/kalman.py)
    logit  = mlp([u; a; v̂(q)])

    μ_q = mlp(q),   log 1/σ_q² = mlp(q),   log σ'²_k = mlp(k)

The query is the *category* of an item, as in the paper's experiments: `query` names the sequence that holds it, and
q is the ad's field of the same kind. The prior reads q alone, never the ad itself, so what it says of a category
holds for ads never seen. Values are the embeddings of all sequences, end to end. In the capped form the steps of one
category are one sensor; each of its n steps carries a share of 1/n, which needs no regrouping:

    weight of a step = 1 / ((σ² + σ'²/n) n)

energy "unit" is DIN's activation unit on [ad; category], "dot" the paper's own qᵀ W k of the queries alone. What
depends on the steps alone (their half of the energy, n, σ') is computed once per request.

Reads: embedded, dense, history, mask; the encoder must declare a sequence. Embedding dropout would tear the steps of
one category apart: train without it.
Letters in shapes: B requests (1 when serving), n ads, L steps, K width of an embedding, C = S K.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from adcascade.errors import ConfigurationError
from adcascade.learning.model import DeepModel, Shape
from adcascade.nn.attention import ActivationUnit, Bilinear
from adcascade.nn.blocks import SplitLinear, last_map, mlp
from adcascade.nn.inputs import Inputs, flat
from adcascade.nn.kalman import bounded, capped_log_precision, posterior_mean, repeats


@dataclass(frozen=True, kw_only=True)
class KFAttConfig:
    """Form and sizes."""

    form: Literal["freq", "base"] = "freq"
    energy: Literal["unit", "dot"] = "unit"
    query: int = -1  # which sequence holds the query of a step; the last one by default
    attention: int = 64  # hidden units of the activation unit
    prior: int = 32  # hidden units of the maps of q and k
    hidden: tuple[int, ...] = (256, 128, 64)


class KFAtt(DeepModel):
    """DIN whose interest is a posterior mean."""

    def __init__(self, shape: Shape, config: KFAttConfig | None = None) -> None:
        super().__init__()
        if not shape.sequences:
            raise ConfigurationError("KFAtt needs a history; declare a feature of kind 'sequence', or choose dcn_v2")
        self.shape, self.config = shape, (config := config or KFAttConfig())
        c, k = shape.sequences * shape.width, shape.width
        whole = config.energy == "unit"
        self._asked = list(range(shape.sequences)) if whole else [config.query]
        self.energy = ActivationUnit(c, config.attention) if whole else Bilinear(k)
        self.prior = nn.Sequential(mlp((k, config.prior)), nn.Linear(config.prior, c + 1))  # μ_q and log 1/σ_q²
        self.noise = mlp((k, config.prior, 1)) if config.form == "freq" else None  # log σ'²_k
        self.first = SplitLinear(shape.request_flat, shape.ad_flat + c, config.hidden[0])
        self.rest = mlp((*config.hidden, 1))

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """Steps [B, L, C], their half of the energy, mask [B, L], log n and log σ'² [B, L], the MLP's request half."""
        key = user.history[:, :, self.config.query]  # [B, L, K]
        half = self.energy.step(user.history[:, :, self._asked].flatten(2))
        state: tuple[Tensor, ...] = (user.history.flatten(2), half, user.mask.to(key.dtype))
        if self.noise is not None:
            state = (*state, repeats(key, user.mask).log(), bounded(self.noise(key).squeeze(2)))
        return (*state, self.first.request(flat(user)))

    @property
    def head(self) -> nn.Linear:
        """The MLP's last map."""
        return last_map(self.rest)

    def represent(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """The MLP's last hidden layer of n ads."""
        steps, half, present, *counted, request = state
        q = ads.embedded[:, [self.shape.targets[place] for place in self._asked]].flatten(1)
        log_precision = bounded(self.energy(q, steps, half))  # [n, L], -log σ²
        if counted:
            log_count, log_noise = counted
            log_precision = capped_log_precision(log_precision, log_noise, log_count) - log_count
        prior = self.prior(ads.embedded[:, self.shape.targets[self.config.query]])  # [n, C + 1]
        interest = posterior_mean(log_precision, steps, prior[:, :-1], bounded(prior[:, -1]), present > 0)
        first = request + self.first.ad(torch.cat((flat(ads), interest), dim=1))
        return self.rest[:-1](torch.relu(first))  # type: ignore[no-any-return]


def kfatt_base(shape: Shape) -> KFAtt:
    """The base form: every step is a sensor of its own."""
    return KFAtt(shape, KFAttConfig(form="base"))
