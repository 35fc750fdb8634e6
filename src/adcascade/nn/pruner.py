"""Pruner: which neurons of a layer a domain uses, and how much of each (Yang et al., "AdaSparse", CIKM 2022).

    v  = W_d e_d + W_h h                 no bias: at v = 0 every neuron is kept
    π  = [σ(α v) ≥ ε]                    binarisation
    π  = β σ(v)                          scaling
    π  = u [u ≥ ε],  u = β σ(α v)        fusion: prune, and weigh what is left
    h̃  = h ⊙ π

e_d is the domain's embedding, h the layer's output. [x ≥ ε] is 0 or 1, with the gradient of x itself (straight
through), so a pruned neuron can come back. α grows while training: the sigmoid becomes a step.

The share that is pruned, r = 1 - mean(min(π, 1)), is kept in an interval, not at a point:

    R = mean_l λ_l (r_l - r)²,   r the middle,   λ_l = 0 inside, else λ |r_l - r|

A pruner that sees the domain alone has one π a domain: the layer can be cut to its kept rows and columns.
Letters in shapes: B samples (1 for one request), n ads, K width of e_d, N neurons, L layers.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from adcascade.errors import ConfigurationError

Form = Literal["binarisation", "scaling", "fusion"]
Sees = Literal["domain", "both", "hidden"]


@dataclass(frozen=True, kw_only=True)
class PrunerConfig:
    """The form of π, what it depends on, and its constants."""

    form: Form = "fusion"
    sees: Sees = "domain"  # "both" is the paper's [e_d; h], a mask a sample
    beta: float = 2.0  # β, the largest weight; for scaling and fusion
    threshold: float = 0.25  # ε

    def __post_init__(self) -> None:
        """At v = 0 nothing may be pruned, else a layer begins dead."""
        start = 0.5 if self.form == "binarisation" else 0.5 * self.beta
        if not 0 <= self.threshold < start:
            raise ConfigurationError(
                f"a pruner of form {self.form} has the threshold {self.threshold}, but every neuron begins at {start}; "
                "give a threshold from 0 to below that"
            )


def indicator(u: Tensor, threshold: float) -> Tensor:
    """1 where u >= threshold, else 0; the gradient is that of u: any shape, the same shape."""
    return (u >= threshold).to(u.dtype) + (u - u.detach())


def weights_of(v: Tensor, alpha: Tensor, config: PrunerConfig) -> Tensor:
    """π of v, any shape -> the same shape; alpha ()."""
    if config.form == "scaling":
        return config.beta * torch.sigmoid(v)
    soft = torch.sigmoid(alpha * v)
    if config.form == "binarisation":
        return indicator(soft, config.threshold)
    u = config.beta * soft
    return u * indicator(u, config.threshold)


def pruned_share(weights: Tensor) -> Tensor:
    """r = 1 - mean(min(π, 1)) of each sample: [B, N] -> [B]."""
    return 1 - weights.clamp(max=1).mean(dim=1)


def sparsity_penalty(pruned: Tensor, interval: tuple[float, float], strength: Tensor) -> Tensor:
    """R of the shares r [L, B], mean over layers and samples: -> (); strength is λ, ()."""
    low, high = interval
    away = pruned - (low + high) / 2
    outside = (away.abs() > (high - low) / 2).to(away.dtype)
    return (strength * outside * away.abs().detach() * away**2).mean()


class Pruner(nn.Module):
    """π of one layer of N neurons; `domain` is computed once a request, `forward` for each ad."""

    def __init__(self, width: int, neurons: int, config: PrunerConfig) -> None:
        super().__init__()
        self.config = config
        whole = nn.Linear(width + neurons, neurons, bias=False).weight.data
        if config.sees != "hidden":
            self.of_domain = nn.Parameter(whole[:, :width].clone())  # W_d
        if config.sees != "domain":
            self.of_hidden = nn.Parameter(whole[:, width:].clone())  # W_h

    def domain(self, e: Tensor, alpha: Tensor) -> Tensor:
        """What e_d [B, K] says: π itself where nothing else is seen, else its part of v; [B, N]."""
        if self.config.sees == "hidden":
            return e.new_zeros((len(e), len(self.of_hidden)))
        v = e @ self.of_domain.T
        return weights_of(v, alpha, self.config) if self.config.sees == "domain" else v

    def forward(self, said: Tensor, h: Tensor, alpha: Tensor) -> Tensor:
        """π of the layer's output h [n, N], given what `domain` said [B, N], B = n or 1: [n or 1, N]."""
        if self.config.sees == "domain":
            return said
        return weights_of(said + h @ self.of_hidden.T, alpha, self.config)
