"""Inputs: what a model reads of one side, already gathered from the packed table."""

from typing import NamedTuple

import torch
from torch import Tensor


class Inputs(NamedTuple):
    """One side of B samples; letters: F fields, K width of an embedding, D numbers, L steps, S sequences.

    The ad's side has no history: there L = S = 0.
    """

    embedded: Tensor  # [B, F, K]
    dense: Tensor  # [B, D]
    history: Tensor  # [B, L, S, K], zero where padded
    mask: Tensor  # [B, L] bool, true where there is a step


def flat(side: Inputs) -> Tensor:
    """Embeddings end to end, then the numbers: [B, F K + D]."""
    return torch.cat((side.embedded.flatten(1), side.dense), dim=1)


def history_mean(side: Inputs) -> Tensor:
    """Mean of the steps, sequences end to end; zero without history: [B, S K]."""
    steps = side.mask.to(side.history.dtype)[:, :, None, None]  # [B, L, 1, 1]
    total = (side.history * steps).sum(dim=1)  # [B, S, K]
    return (total / steps.sum(dim=1).clamp(min=1)).flatten(1)
