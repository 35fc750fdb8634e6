"""Laws of interest over ragged histories."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from adcascade.nn import interest as module
from adcascade.nn.attention import ActivationUnit
from adcascade.nn.interest import blocks

C, H = 3, 5


def both_ways(lengths: list[int]) -> list[list[Tensor | None]]:
    """Interest and all its gradients, ragged and padded, by a unit with random weights."""
    torch.manual_seed(len(lengths))
    unit, b, most = ActivationUnit(C, H), len(lengths), max([*lengths, 1])
    mask = torch.arange(most) < torch.tensor(lengths)[:, None]
    q, padded, wanted = torch.randn(b, C), torch.randn(b, most, C), torch.randn(b, C)
    found = []
    for ragged in (True, False):
        unit.zero_grad()
        ask, steps = q.clone().requires_grad_(), (padded[mask] if ragged else padded).clone().requires_grad_()
        if ragged:
            r = unit.interest(ask, steps, mask.sum(dim=1))
        else:
            energy = unit(ask, steps, unit.step(steps)) * mask
            r = (energy[:, :, None] * steps).sum(dim=1)
        (r * wanted).sum().backward()  # type: ignore[no-untyped-call]
        of_steps = steps.grad if ragged or steps.grad is None else steps.grad[mask]
        found.append([r.detach(), ask.grad, of_steps, *(one.grad for one in unit.parameters())])
    return found


@settings(deadline=None, max_examples=30)  # numba compiles during the first example
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_ragged_is_padded_without_the_padding(lengths: list[int]) -> None:
    """Samples with no step, with some, all without: values and every gradient are those of the padded formula."""
    ragged, padded = both_ways(lengths)
    assert_close(ragged, padded, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("block", [1, 4])
def test_the_size_of_blocks_changes_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample longer than a block makes one of its own."""
    monkeypatch.setattr(module, "BLOCK", block)
    ragged, padded = both_ways([3, 9, 0, 1, 1, 6])
    assert_close(ragged, padded, rtol=1e-4, atol=1e-5)


@given(st.lists(st.integers(0, 3000), max_size=30))
def test_blocks_hold_every_step_once_and_in_order(lengths: list[int]) -> None:
    """Samples and steps are cut without a gap; only a single sample may exceed the size of a block."""
    starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64)
    cut = list(blocks(starts))
    assert [i for samples, _ in cut for i in range(samples.start, samples.stop)] == list(range(len(lengths)))
    for samples, at in cut:
        assert (at.start, at.stop) == (starts[samples.start], starts[samples.stop])
        assert at.stop - at.start <= module.BLOCK or samples.stop - samples.start == 1
