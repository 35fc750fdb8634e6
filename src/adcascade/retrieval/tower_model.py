"""Two towers: requests and ads in one space, where the inner product says how well they fit.

    s(u, a) = f(u) . g(a) / tau,      f, g: MLPs onto the unit sphere

A clicked ad answers its request; the other ads of the batch are the negatives of a sampled softmax. An ad
that is drawn more often is a negative more often, so each score is lowered by the log of its draw rate q
(Yi et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations", RecSys 2019):

    loss_i = -log ( exp(s_ii - log q_i) / sum_j exp(s_ij - log q_j) )

Columns j that hold the clicked ad itself are left out of its sum. q is the ad's share of the rows that the
columns are drawn from. Such scores come to log P(a | u, click) up to a constant of the request: how often the
ad was shown is in them. An auction asks for log P(click | u, a); so with target "rate" each score is raised by
the log of the ad's share e of all impressions. (Columns drawn from the shown ads have q = e: both cancel.)

Reads: embedded, dense, history (as a mean), mask.
Letters in shapes: B samples, P of them clicked, n ads, U and V widths of the two sides, K of the vectors.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Sides
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.blocks import mlp
from adcascade.nn.inputs import Inputs, flat, history_mean
from adcascade.retrieval.draw_rates import ad_keys


@dataclass(frozen=True, kw_only=True)
class TwoTowerConfig:
    """Sizes and the loss."""

    width: int = 32  # K
    hidden: tuple[int, ...] = (128,)
    temperature: float = 0.1  # tau
    target: Literal["rate", "share"] = "rate"  # what scores say: log P(click | u, a), or log P(a | u, click)
    shown: bool = True  # columns are all shown ads of the batch; False: the clicked ones alone

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise ValueError(f"temperature is {self.temperature}; give a positive one, usually 0.02 to 0.2")


def in_batch_loss(scores: Tensor, own: Tensor, log_rate: Tensor, ads: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean softmax loss of P requests against B ads -> ().

    scores [P, B]; own [P]: the column that answers; log_rate [B]; ads [B]: a number that equal ads share;
    weight [P].
    """
    same = ads[own][:, None] == ads[None, :]  # [P, B]
    same[torch.arange(len(own)), own] = False
    corrected = (scores - log_rate).masked_fill(same, -torch.inf)
    losses = F.cross_entropy(corrected, own, reduction="none")
    return (losses * weight).sum() / weight.sum().clamp(min=1e-12)


class TwoTower(ScoringModel):
    """The two maps f and g."""

    def __init__(self, shape: Shape, config: TwoTowerConfig | None = None) -> None:
        """Fresh towers for what the encoder gives."""
        super().__init__()
        self.shape, self.config = shape, config or TwoTowerConfig()
        hidden, k = self.config.hidden, self.config.width
        self.request_tower = mlp((shape.request_flat + shape.sequences * shape.width, *hidden))
        self.request_last = nn.Linear(hidden[-1], k)
        self.ad_tower = mlp((shape.ad_flat, *hidden))
        self.ad_last = nn.Linear(hidden[-1], k)
        self.gain: Tensor  # how far the scores are trusted, 1 until `blend` says otherwise
        self.register_buffer("gain", torch.tensor(1.0))

    def request_vector(self, user: Inputs) -> Tensor:
        """gain f(u) / tau: [B, K]."""
        u = torch.cat((flat(user), history_mean(user)), dim=1) if self.shape.sequences else flat(user)
        return F.normalize(self.request_last(self.request_tower(u)), dim=1) * (self.gain / self.config.temperature)

    def ad_vector(self, ads: Inputs) -> Tensor:
        """g(a): [n, K], of length 1."""
        return F.normalize(self.ad_last(self.ad_tower(flat(ads))), dim=1)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's vector."""
        return (self.request_vector(user),)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """s(u, a): [n]."""
        return (state[0] * self.ad_vector(ads)).sum(dim=1)


def two_tower_loss(model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
    """The objective of the training loop; samples.extra holds `log_rate`."""
    if not isinstance(model, TwoTower):
        raise TypeError(f"two_tower_loss trains a TwoTower, not {type(model).__name__}")
    label, weight = torch.from_numpy(samples.label), torch.from_numpy(samples.weight)
    own = torch.nonzero(label > 0).squeeze(1)  # [P]
    vectors = model.ad_vector(sides.ads)  # [B, K]
    requests = model.request_vector(sides.user)  # [B, K]
    log_rate = torch.from_numpy(samples.extra["log_rate"])
    ads = torch.from_numpy(ad_keys(samples.batch, model.shape.ad_fields))
    return in_batch_loss(requests[own] @ vectors.T, own, log_rate, ads, (weight * label)[own])
