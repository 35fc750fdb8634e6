"""Kalman filtering attention: pooling a history as the MAP estimate of a hidden interest (KFAtt, NeurIPS 2020).

The interest v_q under a query q is hidden. Before any step is seen it is N(μ_q, σ_q² I); a step under another query
k is a noisy reading of it:

    v̂_q = ( μ_q / σ_q²  +  Σ_m p_m v̄_m ) / ( 1 / σ_q²  +  Σ_m p_m )

    base   p_t = 1 / σ_t² = exp(e_t)                      each of the T steps is a sensor of its own
    freq   p_m = 1 / (σ_m² + σ'_m² / n_m)                  the n_m steps under one query are ONE sensor

e is the energy of an attention (how much k says about q). With σ_q = ∞ the base form is softmax attention. Where
nothing is related all p are small and v̂_q = μ_q. In the capped form a sensor's weight stays below 1 / σ_m² however
often it speaks: daily goods do not shout down what is rare and related.

Everything is computed from *log precisions*, with the prior as one more slot of a softmax: no exponent overflows,
and an empty history needs no special case.

Source: "Kalman Filtering Attention for User Behavior Modeling in CTR Prediction", arXiv 2010.00985.
Letters in shapes: n queries, T steps (or M sensors), D width of a value.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

LIMIT = 8.0  # energies and log variances are kept in [-LIMIT, LIMIT]


def bounded(energy: Tensor) -> Tensor:
    """The exponent, cut to where exp is harmless: same shape."""
    return energy.clamp(-LIMIT, LIMIT)


def capped_log_precision(energy: Tensor, log_noise: Tensor, log_count: Tensor) -> Tensor:
    """log 1 / (σ² + σ'²/n) of sensors: energy = -log σ², log_noise = log σ'², log_count = log n, all [..., M].

    >>> sure, loud = torch.tensor([0.0]), torch.tensor([float("inf")])
    >>> capped_log_precision(sure, sure, loud).exp()  # heard for ever: the weight is 1 / σ²
    tensor([1.])
    """
    # log(a + b) = log a + softplus(log b - log a), for which every exporter has an operator
    return energy - softplus(energy + log_noise - log_count)


def posterior_mean(
    log_precision: Tensor, value: Tensor, prior_mean: Tensor, prior_log_precision: Tensor, mask: Tensor
) -> Tensor:
    """v̂: log_precision [n, T], value [n or 1, T, D], prior_mean [n, D], prior_log_precision [n], mask [n or 1, T].

    mask is true where there is a step; what lies elsewhere counts exactly nothing. -> [n, D]
    """
    seen = log_precision.masked_fill(~mask, -torch.inf)
    slots = torch.cat((prior_log_precision[:, None], seen), dim=1)  # [n, 1 + T]
    weight = torch.softmax(slots, dim=1)
    steps = torch.where(mask[:, :, None], value, 0.0)  # [n or 1, T, D]
    return weight[:, :1] * prior_mean + (weight[:, 1:, None] * steps).sum(dim=1)


def repeats(key: Tensor, mask: Tensor) -> Tensor:
    """How many unmasked steps of the same history bear each step's key: key [B, T, K], mask [B, T] -> [B, T], >= 1.

    Two keys are one where their vectors are equal to the bit, as embeddings of one id are.
    """
    apart = (key[:, :, None] - key[:, None]).abs().sum(dim=3)  # [B, T, T]
    same = (apart == 0).to(key.dtype) * mask[:, None].to(key.dtype)
    return same.sum(dim=2).clamp(min=1)
