"""Laws of the cross layers in blocks."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from adcascade.nn import cross as module
from adcascade.nn.cross import cross


def formula(x_0: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    """The paper's, layer by layer."""
    x = x_0
    for weight, bias in zip(weights, biases, strict=True):
        x = x_0 * (x @ weight.T + bias) + x
    return x


@pytest.mark.parametrize("rows", [1, 4, 11])
@pytest.mark.parametrize("layers", [0, 1, 3])
def test_blocks_have_the_formulas_values_and_gradients(rows: int, layers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole blocks or a last smaller one: values and all gradients are the plain formula's."""
    monkeypatch.setattr(module, "BLOCK", 4)
    torch.manual_seed(rows)
    x_0, wanted = torch.randn(rows, 5), torch.randn(rows, 5)
    maps = [torch.randn(*shape) for shape in [(5, 5)] * layers + [(5,)] * layers]
    found = []
    for compute in (cross, formula):
        leaves = [one.clone().requires_grad_() for one in (x_0, *maps)]
        x = compute(leaves[0], leaves[1 : layers + 1], leaves[layers + 1 :])
        (x * wanted).sum().backward()  # type: ignore[no-untyped-call]
        found.append([x.detach(), *(leaf.grad for leaf in leaves)])
    assert_close(found[0], found[1], rtol=1e-4, atol=1e-4)


def test_what_needs_no_gradient_is_computed_plainly() -> None:
    """Serving and autocast take the formula itself: its operators can be exported and run in bf16."""
    x_0, weights, biases = torch.randn(6, 5), [torch.randn(5, 5)], [torch.randn(5)]
    assert_close(cross(x_0, weights, biases), formula(x_0, weights, biases))
    with torch.autocast("cpu", torch.bfloat16):
        x = cross(x_0.requires_grad_(), weights, biases)
    assert_close(x.float(), formula(x_0, weights, biases), rtol=0.05, atol=0.1)
