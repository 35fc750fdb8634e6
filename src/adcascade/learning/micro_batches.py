"""Micro-batches: a step whose forward and backward passes run on parts of the batch, one after the other.

    L = Σ_p (w_p / w) L_p,    w_p the sum of the weights in part p;    gradients of the parts add up

PICASSO cuts batches so that one part fits the tightest resource (arXiv 2204.04903); here it is the memory of what the
network keeps for its backward pass, which shrinks by the number of parts. The result is that of the whole batch, up to
rounding, for models whose loss is a weighted mean over samples: not with statistics of the batch (batch normalisation)
or negatives from it. Dropout draws other masks.
"""

import torch
from torch import Tensor

from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Objective, Sides, click_loss
from adcascade.learning.model import ScoringModel
from adcascade.nn.inputs import Inputs


class MicroBatches:
    """An Objective: another one, on so many parts of each batch. ValueError for fewer than one."""

    def __init__(self, parts: int, objective: Objective = click_loss) -> None:
        if parts < 1:
            raise ValueError(f"parts is {parts}; expected 1 or more")
        self.parts, self.objective = parts, objective

    def __call__(self, model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
        """The loss of the batch -> (). All parts but the last have had their backward pass already."""
        size, whole = -(-len(samples) // self.parts), float(samples.weight.sum())
        before = torch.zeros(())
        for start in range(0, len(samples), size):
            index = slice(start, start + size)
            part = samples.take(index)
            loss = self.objective(model, cut(sides, index), part) * (float(part.weight.sum()) / max(whole, 1e-12))
            if index.stop >= len(samples):
                return loss + before
            loss.backward()  # type: ignore[no-untyped-call]
            before = before + loss.detach()
        raise ValueError("the batch is empty; expected at least one sample")


def cut(sides: Sides, index: slice) -> Sides:
    """Some of the samples; the leaf stays whole, and collects the gradients of all parts."""
    return sides._replace(user=cut_side(sides.user, index), ads=cut_side(sides.ads, index))


def cut_side(side: Inputs, index: slice) -> Inputs:
    """Some of the samples of one side, whose history is [B, L, S, K], or [N, S, K] of the steps that are there."""
    steps = index
    if side.history.dim() == 3:
        end = side.mask.sum(dim=1).cumsum(dim=0)  # [B] where each sample's steps end
        first, last = (int(end[place - 1]) if place else 0 for place in (index.start, min(index.stop, len(end))))
        steps = slice(first, last)
    return Inputs(side.embedded[index], side.dense[index], side.history[steps], side.mask[index])
