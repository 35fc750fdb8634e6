"""Flatness: the loss that makes a neural score walkable, for graph neighbours must have similar scores.

    L_NCE  = BCE( z, 1 at the clicked ad and 0 at the noise ),     z = s_u(e_v) - log E[count(v)]
    e~_v   = e_v + eps sign( dL_NCE / de_v )                       the worst neighbour within eps (FGSM)
    L_AUX  = KL( softmax(stop(z)) || softmax(z~) )                 over the 1 + N ads of a sample
    L      = L_NCE + weight L_AUX

Nothing flows back through z in L_AUX, nor through the sign. eps is in units of e_v, whose coordinates have variance 1
(nann_model.py): were the scale free, the network would grow e_v and leave eps behind.

Source: arXiv 2202.10226, section 4.2. The gradient is of the loss, as in the authors' code; the paper writes s_u.
Letters in shapes: B samples, C = 1 + N ads of a sample, the clicked one first, E width of e_v.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Scores = Callable[[Tensor], Tensor]  # e [B, C, E] -> s [B, C]


@dataclass(frozen=True, kw_only=True)
class FlatnessConfig:
    """How far the perturbation goes, and how much it counts; epsilon 0 leaves the loss out."""

    epsilon: float = 0.1
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.epsilon < 0 or self.weight < 0:
            raise ValueError(f"epsilon {self.epsilon} and weight {self.weight}: give numbers from 0 upward")


def nce_loss(z: Tensor) -> Tensor:
    """Summed cross-entropy of the corrected logits z [B, C], whose column 0 was clicked: -> [B]."""
    return F.softplus(-z[:, 0]) + F.softplus(z[:, 1:]).sum(dim=1)


def perturbed(e: Tensor, loss: Tensor, epsilon: float) -> Tensor:
    """e + epsilon sign(dloss / de), [B, C, E]; gradient flows to e and not through the sign.

    The graph of `loss` is kept, to be used again.
    """
    (gradient,) = torch.autograd.grad(loss, e, retain_graph=True)
    return e + epsilon * gradient.sign()


def flatness_loss(z: Tensor, z_near: Tensor) -> Tensor:
    """KL(softmax(z) || softmax(z_near)) of both [B, C]; z is taken as given: -> [B]."""
    target = z.detach().log_softmax(dim=1)
    return F.kl_div(z_near.log_softmax(dim=1), target, reduction="none", log_target=True).sum(dim=1)


def nann_loss(
    scores: Scores, e: Tensor, log_count: Tensor, config: FlatnessConfig, weight: Tensor | None = None
) -> Tensor:
    """L of the ads e [B, C, E], the clicked one first, averaged over the samples by weight [B]: -> ().

    log_count: the log of how often each ad is expected among a sample's noise, broadcast to [B, C].
    """
    weight = e.new_ones(len(e)) if weight is None else weight
    share = weight / weight.sum().clamp(min=1e-12)
    z = scores(e) - log_count
    loss = (share * nce_loss(z)).sum()
    if config.epsilon == 0 or config.weight == 0:
        return loss
    z_near = scores(perturbed(e, loss, config.epsilon)) - log_count
    return loss + config.weight * (share * flatness_loss(z, z_near)).sum()
