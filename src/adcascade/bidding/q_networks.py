"""Q networks of many independent runs as one: the same small MLP, R times, in batched matrix products.

    Q(o, .) = W3 relu(W2 relu(W1 o + b1) + b2) + b3                          one network a run, shared by its n agents

Runs never mix: each has its own weights, samples and gradient norm, so a run learns the same alone and among others.

Letters in shapes: R runs, B samples, D width of an observation, H hidden width, K actions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn


class QNetworks(nn.Module):
    """R networks of the same shape; their weights are drawn from one generator a run."""

    def __init__(self, widths: tuple[int, ...], seeds: list[int]) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        randoms = [np.random.default_rng(seed) for seed in seeds]
        for fan_in, fan_out in pairwise(widths):
            bound = fan_in**-0.5  # as torch's own linear layers begin
            drawn = np.stack([random.uniform(-bound, bound, (fan_in + 1, fan_out)) for random in randoms])
            self.weights.append(nn.Parameter(torch.tensor(drawn[:, :-1], dtype=torch.float32)))  # [R, in, out]
            self.biases.append(nn.Parameter(torch.tensor(drawn[:, -1:], dtype=torch.float32)))  # [R, 1, out]

    def forward(self, x: Tensor) -> Tensor:
        """Values of all actions: observations [R, B, D] -> [R, B, K]."""
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if layer < last:
                x = x.relu()
        return x


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work in one thread: these products are so small that several would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def td_target(
    reward: Tensor, after: Tensor, after_target: Tensor, allowed: Tensor, *, going_on: Tensor, discount: float
) -> Tensor:
    """Double-Q targets [...]: r + discount * Q_target(o', argmax over allowed actions of Q(o', .)) while it goes on.

    reward, going_on [...]; after, after_target: Q(o', .) of the learning and of the target network, [..., K];
    allowed [..., K]: an action that is not affordable is never the next one. At least one must be allowed.
    """
    best = after.masked_fill(~allowed, -torch.inf).argmax(dim=-1, keepdim=True)
    return reward + discount * going_on * after_target.gather(-1, best).squeeze(-1)


def clip_per_run(parameters: list[nn.Parameter], limit: float) -> None:
    """Scale each run's gradient to a norm of at most `limit`; parameters [R, ...]."""
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = sum(g.square().flatten(1).sum(dim=1) for g in grads)
    scale = (limit / torch.as_tensor(norm).sqrt().clamp(min=1e-12)).clamp(max=1.0)  # [R]
    for g in grads:
        g.mul_(scale.reshape(-1, *[1] * (g.ndim - 1)))
