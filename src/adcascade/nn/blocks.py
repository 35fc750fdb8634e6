"""Blocks that several models are built of."""

import itertools
from collections.abc import Sequence

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


class SplitLinear(nn.Module):
    """A linear map of [u; a] whose request half is computed once: W [u; a] + b = (W_u u + b) + W_a a.

    `request`: [B, U] -> [B, H] (with the bias); `ad`: [B, A] -> [B, H] (without). The weights start as
    those of one nn.Linear(U + A, H).
    """

    def __init__(self, request_width: int, ad_width: int, out: int) -> None:
        super().__init__()
        whole = nn.Linear(request_width + ad_width, out)
        self.request = nn.Linear(request_width, out)
        self.ad = nn.Linear(ad_width, out, bias=False)
        self.request.weight.data = whole.weight.data[:, :request_width].clone()
        self.ad.weight.data = whole.weight.data[:, request_width:].clone()
        self.request.bias.data = whole.bias.data.clone()

    def forward(self, request: Tensor, ad: Tensor) -> Tensor:
        """[B, U], [B, A] -> [B, H]."""
        return self.request(request) + self.ad(ad)  # type: ignore[no-any-return]
