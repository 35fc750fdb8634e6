"""Blocks that several models are built of."""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mlp(widths: Sequence[int], *, dropout: float = 0.0) -> nn.Sequential:
    """Linear maps between the given widths, each but a last of width 1 followed by ReLU (and dropout)."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers.append(nn.Linear(before, after))
        if after != 1:
            layers.append(nn.ReLU())
            if dropout:
                layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


def last_map(network: nn.Sequential) -> nn.Linear:
    """The linear map that ends a network of `mlp`; TypeError where it ends otherwise."""
    last = network[-1]
    if not isinstance(last, nn.Linear):
        raise TypeError(f"the network ends with {type(last).__name__}; expected a linear map to one number")
    return last


class SplitLinear(nn.Module):
    """A linear map of [u; a] whose request half is computed once: W [u; a] + b = (W_u u + b) + W_a a.

    The weights start as those of one nn.Linear(U + A, H). A side may have no width: its half is then
    the bias, or zero.
    """

    def __init__(self, request_width: int, ad_width: int, out: int) -> None:
        super().__init__()
        self.widths = request_width, ad_width  # numbers, which a trace can decide by
        whole = nn.Linear(request_width + ad_width, out)
        self.request_weight = nn.Parameter(whole.weight.data[:, :request_width].clone())
        self.ad_weight = nn.Parameter(whole.weight.data[:, request_width:].clone())
        self.bias = nn.Parameter(whole.bias.data.clone())

    @property
    def weight(self) -> Tensor:
        """W = [W_u, W_a] in one piece, [H, U + A], for rows that share no request."""
        return torch.cat((self.request_weight, self.ad_weight), dim=1)

    def request(self, u: Tensor) -> Tensor:
        """W_u u + b: [B, U] -> [B, H]."""
        if self.widths[0] == 0:  # ONNX Runtime leaves the product of a width of zero uninitialised
            return self.bias.expand(u.shape[0], -1)
        return F.linear(u, self.request_weight, self.bias)

    def ad(self, a: Tensor) -> Tensor:
        """W_a a: [n, A] -> [n, H]."""
        if self.widths[1] == 0:
            return a.new_zeros((a.shape[0], self.bias.shape[0]))
        return F.linear(a, self.ad_weight)

    def forward(self, u: Tensor, a: Tensor) -> Tensor:
        """[B, U], [B or n, A] -> [B or n, H], one request broadcast to n ads."""
        return self.request(u) + self.ad(a)
