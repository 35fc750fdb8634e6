"""The simulated funnel of the study "copr": a ranker that knows the truth, a pre-ranker that sees a part of it.

    logit p = 1.5 <u, B v> / 12 + tanh net (u, v) - 3      u, v normal, 12 numbers each; the pre-ranker sees 8 of them
    bid     = exp(sigma n),  n normal                    one draw a candidate
    ranking orders the N candidates of a request by p * bid; the first SHOWN are seen, and clicked with p

Letters in shapes: R requests, N candidates, G requests of a batch, D ads drawn of each, V numbers that are visible.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from adcascade.metrics import ndcg
from adcascade.metrics.logistic import probability
from adcascade.nn.blocks import mlp
from adcascade.preranking.copr import CoprConfig, chunk_sample, log_value, rank_alignment

Floats = NDArray[np.float32]
Sampler = Callable[[NDArray[np.int64], int, np.random.Generator], NDArray[np.int64]]
NUMBERS, VISIBLE, CANDIDATES, SHOWN = 12, 8, 200, 10


@dataclass(frozen=True, slots=True)
class Funnel:
    """R requests with their candidates in the ranker's order, best first."""

    user: Tensor  # [R, V]
    ad: Tensor  # [R, N, V]
    p: Tensor  # [R, N] the ranker's probabilities, which are true
    log_bid: Tensor  # [R, N]
    click: Tensor  # [R, SHOWN] of the first places

    def __len__(self) -> int:
        """R."""
        return len(self.user)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a click depends on."""

    bilinear: Floats  # [12, 12]
    hidden: Floats  # [24, 16]
    out: Floats  # [16]

    @classmethod
    def drawn(cls, seed: int) -> "Truth":
        """A world of this seed."""
        random = np.random.default_rng((seed, 1))
        shapes = ((NUMBERS, NUMBERS), (2 * NUMBERS, 16), (16,))
        return cls(*(random.standard_normal(shape, np.float32) for shape in shapes))

    def p(self, user: Floats, ad: Floats) -> Floats:
        """True click probabilities: [R, 12], [R, N, 12] -> [R, N]."""
        met = np.einsum("ri,ij,rnj->rn", user, self.bilinear, ad, optimize=True) / NUMBERS
        mixed = (user @ self.hidden[:NUMBERS])[:, None, :] + ad @ self.hidden[NUMBERS:]  # [R, N, 16]
        logit = 1.5 * met + np.tanh(mixed / 5) @ self.out / 3 - 3
        return probability(logit)


def funnel(truth: Truth, requests: int, sigma: float, seed: int) -> Funnel:
    """A log of so many requests, ranked and shown."""
    random = np.random.default_rng((seed, 2))
    user = random.standard_normal((requests, NUMBERS), np.float32)
    ad = random.standard_normal((requests, CANDIDATES, NUMBERS), np.float32)
    p = truth.p(user, ad)
    log_bid = (sigma * random.standard_normal(p.shape)).astype(np.float32)
    order = np.argsort(-(np.log(p) + log_bid), axis=1)
    p, log_bid = (np.take_along_axis(values, order, axis=1) for values in (p, log_bid))
    seen = np.take_along_axis(ad[:, :, :VISIBLE], order[:, :, None], axis=1)
    click = (random.random((requests, SHOWN)) < p[:, :SHOWN]).astype(np.float32)
    return Funnel(*map(torch.from_numpy, (user[:, :VISIBLE].copy(), seen, p, log_bid, click)))


class TwoTower(nn.Module):
    """The light model, too narrow for the truth: logit = <f(u), g(v)> / 2 + c, f and g of width 3."""

    def __init__(self) -> None:
        super().__init__()
        self.user, self.ad = mlp((VISIBLE, 16, 3)), mlp((VISIBLE, 16, 3))
        self.user.pop(-1)  # towers end without ReLU
        self.ad.pop(-1)
        self.bias = nn.Parameter(torch.tensor(-3.0))

    def forward(self, user: Tensor, ad: Tensor) -> Tensor:
        """[G, V], [G, n, V] -> logits [G, n]."""
        return torch.einsum("gk,gnk->gn", self.user(user), self.ad(ad)) / 2 + self.bias


Extra = Callable[[Tensor, Tensor, Tensor], Tensor]  # logits, p and log bids of the sampled ads [G, D] -> ()


def no_extra(logit: Tensor, p: Tensor, log_bid: Tensor) -> Tensor:  # noqa: ARG001  the signature of an extra loss
    """Clicks alone."""
    return logit.new_zeros(())


@dataclass(frozen=True, slots=True)
class Distillation:
    """Score alignment: log loss against the ranker's probabilities, in the mean over the sampled ads."""

    strength: float = 1.0

    def __call__(self, logit: Tensor, p: Tensor, log_bid: Tensor) -> Tensor:  # noqa: ARG002  scores know no bids
        """[G, D] each -> ()."""
        return self.strength * F.binary_cross_entropy_with_logits(logit, p)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Rank alignment: COPR's loss. bids: whether it knows them."""

    config: CoprConfig
    bids: bool = True

    def __call__(self, logit: Tensor, p: Tensor, log_bid: Tensor) -> Tensor:  # noqa: ARG002  the order is in the places
        """[G, D] each, in the ranker's order -> ()."""
        value = log_value(logit, log_bid if self.bids else torch.zeros_like(log_bid), torch.ones(()))
        return self.config.strength * rank_alignment(value, torch.ones_like(logit, dtype=torch.bool), self.config)


def random_sample(lengths: NDArray[np.int64], places: int, random: np.random.Generator) -> NDArray[np.int64]:
    """D different places of each list, anywhere: [G] -> [G, D], rising."""
    return np.stack([np.sort(random.choice(n, places, replace=False)) for n in lengths.tolist()])


def learn(
    log: Funnel, extra: Extra, *, seed: int, steps: int, places: int = 20, sample: Sampler = chunk_sample
) -> TwoTower:
    """L_ctr on the shown ads and `extra` on the sampled ones, 32 requests a step."""
    random = np.random.default_rng((seed, 3))
    torch.manual_seed(seed)
    model = TwoTower()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, fused=True)
    for _ in range(steps):
        rows = torch.from_numpy(random.integers(0, len(log), 32))
        place = torch.from_numpy(sample(np.full(32, CANDIDATES), places, random))  # [G, D]
        shown = torch.arange(SHOWN).expand(32, SHOWN)
        at = torch.cat((shown, place), dim=1)  # [G, SHOWN + D]
        logit = model(log.user[rows], log.ad[rows[:, None], at])
        drawn = logit[:, SHOWN:]
        loss = F.binary_cross_entropy_with_logits(logit[:, :SHOWN], log.click[rows])
        loss = loss + extra(drawn, log.p[rows[:, None], place], log.log_bid[rows[:, None], place])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return model


@torch.no_grad()
def judge(model: TwoTower, log: Funnel) -> dict[str, float]:
    """How well the pre-ranker's eCPM order keeps the ranker's, per request and then averaged; and its calibration."""
    logit = model(log.user, log.ad)
    early = (F.logsigmoid(logit) + log.log_bid).numpy()  # [R, N]
    order = np.argsort(-early, axis=1)  # place in the ranker's order of the first, second ... of the pre-ranker
    late = (log.p.log() + log.log_bid).exp().numpy()
    best3 = np.sort(np.take_along_axis(late, order[:, :40], axis=1), axis=1)[:, -3:]
    ratio = float(torch.sigmoid(logit[:, :SHOWN]).sum() / log.p[:, :SHOWN].sum())
    return {
        "hit@10": float((order[:, :10] < 10).mean()),
        "hit@5": float((order[:, :5] < 5).mean()),
        "recall@40": float((order[:, :40] < 10).sum(axis=1).mean() / 10),
        "ndcg": float(np.mean([ndcg(gain, score, 10) for gain, score in zip(late, early, strict=True)])),
        "delivered": float(best3.sum() / late[:, :3].sum()),
        "calibration_off": abs(ratio - 1),
    }
