"""Laws of the flatness loss: what it measures, where its gradient flows, and that it flattens."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from adcascade.retrieval.flatness import FlatnessConfig, flatness_loss, nann_loss, nce_loss, perturbed


def logits(seed: int, b: int = 4, c: int = 6) -> torch.Tensor:
    """Random logits [b, c]."""
    return torch.randn((b, c), generator=torch.Generator().manual_seed(seed))


@settings(deadline=None)
@given(seed=st.integers(0, 2**16), shift=st.floats(-5, 5))
def test_the_divergence_is_one(seed: int, shift: float) -> None:
    """Never negative, zero just between equals, blind to a shift of all logits."""
    z, near = logits(seed), logits(seed + 1)
    assert (flatness_loss(z, near) > 0).all()
    assert_close(flatness_loss(z, z + shift), torch.zeros(4), atol=1e-5, rtol=0)
    assert_close(flatness_loss(z + shift, near), flatness_loss(z, near), atol=1e-4, rtol=1e-4)


def test_knowing_nothing_costs_a_coin_an_ad() -> None:
    """At z = 0 every ad of the sample costs log 2."""
    assert_close(nce_loss(torch.zeros(3, 5)), torch.full((3,), 5 * math.log(2)))


def test_no_gradient_flows_through_the_target() -> None:
    """The unperturbed logits are taken as given."""
    z, near = logits(1).requires_grad_(), logits(2).requires_grad_()
    flatness_loss(z, near).sum().backward()  # type: ignore[no-untyped-call]
    assert z.grad is None
    assert near.grad is not None
    assert near.grad.abs().sum() > 0


@settings(deadline=None)
@given(seed=st.integers(0, 2**16), epsilon=st.floats(1e-3, 1.0))
def test_the_perturbation_is_the_worst_of_its_box(seed: int, epsilon: float) -> None:
    """Each coordinate moves by epsilon, a linear loss rises by epsilon |gradient|_1, and d(near)/d(e) is 1."""
    random = torch.Generator().manual_seed(seed)
    e = torch.randn((2, 3, 4), generator=random, requires_grad=True)
    slope = torch.randn((2, 3, 4), generator=random)
    near = perturbed(e, (e * slope).sum(), epsilon)
    assert_close((near - e).abs(), torch.full_like(e, epsilon), atol=1e-5, rtol=0)
    assert_close(((near - e) * slope).sum(), epsilon * slope.abs().sum(), atol=1e-4, rtol=1e-4)
    (gradient,) = torch.autograd.grad(near.sum(), e)
    assert_close(gradient, torch.ones_like(e))


def test_weights_and_epsilon_zero() -> None:
    """Without flatness the loss is the weighted mean of the samples'; a sample of weight 0 says nothing."""
    e = logits(3)[..., None].requires_grad_()
    weight = torch.tensor([1.0, 0.0, 2.0, 1.0])
    off = FlatnessConfig(epsilon=0.0)
    loss = nann_loss(lambda x: x[..., 0], e, torch.zeros(1), off, weight)
    assert_close(loss, (nce_loss(e[..., 0]) * weight / 4).sum())
    with pytest.raises(ValueError, match="epsilon"):
        FlatnessConfig(epsilon=-0.1)


def test_the_loss_flattens() -> None:
    """A score that can be right with a steep or a gentle slope becomes gentle, the most so where the slope is idle."""
    e = torch.tensor([[[0.0, 1.0], [0.0, -1.0]]]).repeat(8, 1, 1).requires_grad_()
    slopes = {}
    for epsilon in (0.0, 0.5):
        w = torch.tensor([[3.0, 3.0]], requires_grad=True)
        optimiser = torch.optim.Adam([w], lr=0.05)
        for _ in range(200):
            optimiser.zero_grad()
            config = FlatnessConfig(epsilon=epsilon, weight=5.0)
            nann_loss(lambda x, w=w: (x * w).sum(2), e, torch.zeros(1), config).backward()  # type: ignore[misc, no-untyped-call]
            optimiser.step()
        slopes[epsilon] = w.detach().abs()[0]
    assert slopes[0.5][0] < 0.3 * slopes[0.0][0]  # of no use, and costly
    assert slopes[0.5][1] < slopes[0.0][1]
