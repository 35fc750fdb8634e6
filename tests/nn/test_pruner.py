"""Laws of the pruner: who begins kept, what is cut, where gradients go, and what the regulariser pulls at."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from adcascade.errors import ConfigurationError
from adcascade.nn.pruner import Form, Pruner, PrunerConfig, Sees, indicator, pruned_share, sparsity_penalty, weights_of

FORMS: tuple[Form, ...] = ("binarisation", "scaling", "fusion")
ALPHA = torch.tensor(2.0)


def drawn(seed: int, *shape: int) -> Tensor:
    """Normal numbers, wide enough that sigmoids reach both ends."""
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 2**16), st.floats(0.5, 10), st.floats(1, 2), st.floats(0, 0.45))
@settings(deadline=None, max_examples=50)
def test_the_three_forms_are_the_papers(seed: int, alpha: float, beta: float, threshold: float) -> None:
    """Number by number: a step, a weight in (0, β), and a weight that is 0 below the threshold."""
    v = drawn(seed, 4, 5)
    for form in FORMS:
        config = PrunerConfig(form=form, beta=beta, threshold=threshold)
        found = weights_of(v, torch.tensor(alpha), config).numpy()
        for place, x in np.ndenumerate(v.numpy().astype(np.float64)):
            soft = 1 / (1 + np.exp(-alpha * x))
            expected = {
                "binarisation": float(soft >= threshold),
                "scaling": beta / (1 + np.exp(-x)),
                "fusion": beta * soft if beta * soft >= threshold else 0.0,
            }[form]
            if min(abs(soft - threshold), abs(beta * soft - threshold)) > 1e-5:  # at the step rounding decides
                assert found[place] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sees", ["domain", "both", "hidden"])
def test_nothing_is_pruned_at_the_start(form: Form, sees: Sees) -> None:
    """v is near zero, so every neuron is kept, whatever the pruner sees."""
    torch.manual_seed(0)
    pruner = Pruner(8, 16, PrunerConfig(form=form, sees=sees))
    e, h = 0.05 * torch.randn(5, 8), 0.05 * torch.randn(5, 16).relu()
    weights = pruner(pruner.domain(e, ALPHA), h, ALPHA)
    assert weights.shape == (5, 16)
    assert (weights > 0).all()


@pytest.mark.parametrize(("form", "threshold"), [("binarisation", 0.5), ("fusion", 1.0), ("fusion", -0.1)])
def test_a_threshold_that_would_prune_everything_is_refused(form: Form, threshold: float) -> None:
    """A layer that begins dead would never learn; the message names the bound."""
    with pytest.raises(ConfigurationError, match="begins at"):
        PrunerConfig(form=form, threshold=threshold)


@pytest.mark.parametrize("form", ["binarisation", "fusion"])
def test_a_pruned_neuron_can_come_back(form: Form) -> None:
    """Below the threshold the weight is exactly 0 and its gradient is not."""
    v = torch.tensor([-3.0, 0.0, 3.0], requires_grad=True)
    weights = weights_of(v, ALPHA, PrunerConfig(form=form))
    weights.sum().backward()  # type: ignore[no-untyped-call]
    assert weights[0] == 0
    assert v.grad is not None
    assert (v.grad > 0).all()


def test_the_indicator_steps_forward_and_passes_backward() -> None:
    """0 or 1, and the gradient of its input: never -1, never nothing."""
    u = torch.tensor([0.1, 0.25, 0.7], requires_grad=True)
    step = indicator(u, 0.25)
    step.sum().backward()  # type: ignore[no-untyped-call]
    assert step.tolist() == [0, 1, 1]
    assert u.grad is not None
    assert u.grad.tolist() == [1, 1, 1]


def test_the_both_pruner_is_one_map_of_domain_and_layer() -> None:
    """W [e_d; h] without a bias, split by linearity; one domain is broadcast to n ads."""
    torch.manual_seed(0)
    pruner = Pruner(3, 4, PrunerConfig(sees="both"))
    e, h = drawn(1, 1, 3), drawn(2, 6, 4)
    whole = torch.cat((pruner.of_domain, pruner.of_hidden), dim=1)
    v = torch.cat((e.expand(6, -1), h), dim=1) @ whole.T
    assert_close(pruner(pruner.domain(e, ALPHA), h, ALPHA), weights_of(v, ALPHA, pruner.config))


def test_a_domain_pruner_sees_no_layer_and_a_hidden_one_no_domain() -> None:
    """What is not seen does not matter."""
    e, h = drawn(1, 2, 3), drawn(2, 2, 4)
    for sees, other in (("domain", (e, 5 * h)), ("hidden", (5 * e, h))):
        pruner = Pruner(3, 4, PrunerConfig(sees=sees))  # type: ignore[arg-type]
        assert_close(*(pruner(pruner.domain(a, ALPHA), b, ALPHA) for a, b in ((e, h), other)))


def test_the_pruned_share_counts_no_weight_above_one() -> None:
    """Zeros count whole, weights below one by what they lack, larger ones nothing."""
    assert_close(pruned_share(torch.tensor([[0.0, 2.0, 0.5, 1.0], [2.0, 2.0, 2.0, 2.0]])), torch.tensor([0.375, 0.0]))


@given(st.floats(0, 1), st.floats(0.05, 0.4), st.floats(0.01, 0.4))
@settings(deadline=None, max_examples=80)
def test_the_regulariser_is_free_inside_and_pulls_towards_the_middle_outside(
    r: float, low: float, width: float
) -> None:
    """Inside the interval neither value nor gradient; outside λ |r - m|³, falling towards the middle m."""
    middle = low + width / 2
    if abs(abs(r - middle) - width / 2) < 1e-4:  # at the edge rounding decides
        return
    share = torch.tensor([[r]], dtype=torch.float64, requires_grad=True)
    penalty = sparsity_penalty(share, (low, low + width), torch.tensor(3.0))
    penalty.backward()  # type: ignore[no-untyped-call]
    assert share.grad is not None
    if low < r < low + width:
        assert penalty.item() == 0 == share.grad.item()
    else:
        assert penalty.item() == pytest.approx(3 * abs(r - middle) ** 3, rel=1e-6)
        assert share.grad.item() * (r - middle) > 0
