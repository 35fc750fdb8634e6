"""Cross layers (Wang et al., "DCN V2", WWW 2021), computed in blocks of rows whose activations stay in the cache.

    h_l = W_l x_l + b_l,    x_{l+1} = x_0 ⊙ h_l + x_l

Between two matrix products lies little work on much memory. A block of some hundred rows goes through all layers, and
back through all of them, before the next one comes, and the products write into memory that is there already. The
numbers are those of the plain formula, up to the order in which the weights' gradients are summed.

Letters in shapes: B rows, D their width, L layers.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

BLOCK = 128  # rows: ten arrays of 128 x 400 floats are 2 MB, a core's second cache


def cross(x_0: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
    """x_L of x_0 [B, D], weights [D, D] and biases [D] of L layers -> [B, D]."""
    in_blocks = weights and x_0.is_cpu and x_0.requires_grad and x_0.dtype == torch.float32
    if in_blocks and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling():
        found: Tensor = _Cross.apply(x_0, *weights, *biases)  # type: ignore[no-untyped-call]
        return found
    x = x_0
    for weight, bias in zip(weights, biases, strict=True):
        x = torch.addcmul(x, x_0, torch.nn.functional.linear(x, weight, bias))
    return x


class _Cross(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_0: Tensor, *maps: Tensor) -> Tensor:
        weights, biases = maps[: len(maps) // 2], maps[len(maps) // 2 :]
        h = x_0.new_empty((len(weights), *x_0.shape))  # [L, B, D]
        x = torch.empty_like(h)  # x_1 ... x_L
        for start in range(0, len(x_0), BLOCK):
            block = slice(start, start + BLOCK)
            seen = first = x_0[block]
            for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                torch.addmm(bias, seen, weight.t(), out=h[layer, block])
                torch.addcmul(seen, first, h[layer, block], out=x[layer, block])
                seen = x[layer, block]
        ctx.save_for_backward(x_0, h, x, *weights)
        return x[-1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        x_0, h, x, *weights = ctx.saved_tensors
        of_x_0 = torch.empty_like(x_0)
        of_weights, of_biases = (x_0.new_zeros((len(weights), *shape)) for shape in (weights[0].shape, x_0.shape[1:]))
        for start in range(0, len(x_0), BLOCK):
            block = slice(start, start + BLOCK)
            g, first, total = gradients[0][block].clone(), x_0[block], of_x_0[block].zero_()
            for layer in reversed(range(len(weights))):
                of_h = g * first
                total.addcmul_(g, h[layer, block])
                seen = x[layer - 1, block] if layer else first
                of_weights[layer].addmm_(of_h.t(), seen)
                of_biases[layer].add_(of_h.sum(dim=0))
                g.addmm_(of_h, weights[layer])  # of x_l, by way of h_l and directly
            total.add_(g)
        return of_x_0, *of_weights, *of_biases
