"""COPR: teach the pre-ranker the order that the ranker gave, not the ranker's scores (imports torch).

    e_i      = log y_i + log b_i              the pre-ranker's eCPM of an ad, y_i = sigmoid(z_i), b_i the bid of the log
    delta_ij = tau (e_i - e_j)                log form
    delta_ij = y_i b_i / (y_j b_j) - 1        ratio form: the same zero, but steep to one side
    L_rank   = mean over i < j of  w_ij log(1 + exp(-delta_ij))
    w_ij     ~ |G_i - G_j| |1 / log2(1 + i) - 1 / log2(1 + j)|,   G_i = D - i + 1: the NDCG lost if i and j swapped
    L        = L_ctr + lambda L_rank

A score error of the pre-ranker is multiplied by the bid once ads are sorted by eCPM, and a small network cannot repeat
a large one's scores anyway; what counts is the order. A list is what the ranker ordered by eCPM for one request. It is
cut into D chunks of neighbours and one ad is drawn of each, so that near-ties, which are noise, make no pair, and
head, middle and tail are all met; i = 1 is the ad of the best chunk. L_ctr, the log loss of clicks, keeps the scale.

Where this leaves the paper: the weights are scaled to mean 1 a list (IDCG cancels), so that lambda means the same for
any D; an ad that pays per impression is worth its bid whatever y says, e = log b; and tau is a dial. A pair teaches
until its ads lie about 1 / tau apart. With a small tau, near ads of different rank are pushed further apart than
the ranker has them, which spoils their order beside ads of other bids: where the pre-ranker sees what the ranker
sees, a large tau is right (20 here), and where it does not, and many pairs cannot be told apart, a small one (1 to 2).

Source: "COPR: consistency-oriented pre-ranking for online advertising" (CIKM 2023, arXiv 2306.03516).
Letters in shapes: G lists, N ads of a list, D chunks.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Form = Literal["log", "ratio"]
Weighting = Literal["ndcg", "none"]
STEEPEST = 3.0  # of the ratio form: beyond a ratio of exp(3) a pair is in order and teaches nothing more


@dataclass(frozen=True, kw_only=True)
class CoprConfig:
    """The loss, and how a batch is mixed."""

    chunks: int = 20  # D
    strength: float = 10.0  # lambda
    tau: float = 20.0  # of the log form
    form: Form = "log"
    weighting: Weighting = "ndcg"
    impressions: int = 256  # of a batch
    lists: int = 32  # of a batch, G

    def __post_init__(self) -> None:
        """Raise ValueError for a loss without pairs or without a direction."""
        if self.chunks < 2 or self.lists < 1 or self.impressions < 1:
            raise ValueError(
                f"chunks {self.chunks}, lists {self.lists}, impressions {self.impressions}: give at least 2, 1 and 1"
            )
        if self.tau <= 0 or self.strength < 0:
            raise ValueError(f"tau {self.tau}, strength {self.strength}: give a positive tau and no negative strength")


def chunk_sample(lengths: NDArray[np.integer], chunks: int, random: np.random.Generator) -> NDArray[np.int64]:
    """One place of each chunk of each list: N_g [G] -> [G, D], rising; chunk c is the places from floor(c N / D) on.

    A list of fewer than D ads has one chunk an ad; the places beyond are -1.
    """
    n = np.asarray(lengths, np.int64)[:, None]  # [G, 1]
    cut = np.minimum(n, chunks)
    c = np.arange(chunks)[None, :]
    low, high = c * n // np.maximum(cut, 1), (c + 1) * n // np.maximum(cut, 1)  # [G, D]
    drawn = low + (random.random(low.shape) * (high - low)).astype(np.int64)
    return np.where(c < cut, drawn, -1)


def delta_ndcg(present: Tensor) -> Tensor:
    """w_ij of every pair i < j that is there, mean 1 a list, else 0: bool [G, D], each row true first -> [G, D, D]."""
    d = present.shape[1]
    place = torch.arange(1, d + 1, dtype=torch.float32)
    discount = 1 / torch.log2(1 + place)  # [D]
    # G_i - G_j = j - i however long the list is, so one table serves all
    lost = (place[:, None] - place[None, :]).abs() * (discount[:, None] - discount[None, :]).abs()
    pairs = pairs_of(present)
    weight = lost * pairs
    total = weight.sum(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    return weight * pairs.sum(dim=(1, 2), keepdim=True) / total


def pairs_of(present: Tensor) -> Tensor:
    """1 where i < j and both are there: bool [G, D] -> float [G, D, D]."""
    both = present[:, :, None] & present[:, None, :]
    return both.triu(diagonal=1).float()


def log_value(logit: Tensor, log_bid: Tensor, per_click: Tensor) -> Tensor:
    """e: the log of what the pre-ranker expects an ad to bring, of any shape; per_click is 1 or 0."""
    return per_click * F.logsigmoid(logit) + log_bid


def rank_alignment(value: Tensor, present: Tensor, config: CoprConfig) -> Tensor:
    """L_rank, the mean over the lists that hold a pair: e [G, D] in the ranker's order, bool [G, D] -> ().

    Where `present` is False there is no ad, and its value is not read; such places come last. 0 without any pair.
    """
    safe = torch.where(present, value, torch.zeros(()))
    difference = safe[:, :, None] - safe[:, None, :]  # [G, D, D], i - j
    delta = config.tau * difference if config.form == "log" else torch.expm1(difference.clamp(max=STEEPEST))
    pairs = pairs_of(present)
    weight = delta_ndcg(present) if config.weighting == "ndcg" else pairs
    count = pairs.sum(dim=(1, 2))  # [G]
    mean = (weight * F.softplus(-delta)).sum(dim=(1, 2)) / count.clamp(min=1)
    return mean.sum() / (count > 0).sum().clamp(min=1)
