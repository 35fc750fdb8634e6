"""Laws of Kalman filtering attention: what Bayes says, and what each form does with repetition."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from adcascade.nn.kalman import bounded, capped_log_precision, posterior_mean, repeats

sizes = st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 5), st.integers(0, 2**16))
YES = torch.ones((1, 1), dtype=torch.bool)


def drawn(size: tuple[int, int, int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Energies [n, T], values [n, T, D], prior mean [n, D], log precision of the prior [n], mask [n, T]."""
    n, t, d, seed = size
    random = torch.Generator().manual_seed(seed)
    mask = torch.rand((n, t), generator=random) < 0.7
    return (
        torch.randn((n, t), generator=random, dtype=torch.float64),
        torch.randn((n, t, d), generator=random, dtype=torch.float64),
        torch.randn((n, d), generator=random, dtype=torch.float64),
        torch.randn(n, generator=random, dtype=torch.float64),
        mask,
    )


@given(sizes)
def test_a_prior_that_knows_nothing_leaves_softmax_attention(size: tuple[int, int, int, int]) -> None:
    """σ_q = ∞: the plain attention over the unmasked steps."""
    energy, value, mean, _, mask = drawn(size)
    mask[:, 0] = True
    weight = torch.softmax(energy.masked_fill(~mask, -torch.inf), dim=1)
    expected = (weight[:, :, None] * value).sum(dim=1)
    nothing = torch.full_like(mean[:, 0], -40.0)
    assert_close(posterior_mean(energy, value, mean, nothing, mask), expected, rtol=1e-9, atol=1e-9)


@given(sizes)
def test_an_empty_history_is_the_prior_itself(size: tuple[int, int, int, int]) -> None:
    """To the bit, whatever lies in the padding."""
    energy, value, mean, prior, mask = drawn(size)
    found = posterior_mean(energy * 50, value * torch.inf, mean, prior, torch.zeros_like(mask))
    assert torch.equal(found, mean)


@given(sizes)
def test_base_is_the_closed_form_of_bayes(size: tuple[int, int, int, int]) -> None:
    """Conditioning the joint Gaussian of (v_q, v_1 ... v_T) on the readings gives the same mean."""
    energy, value, mean, prior, mask = drawn(size)
    found = posterior_mean(energy, value, mean, prior, mask)
    for row in range(len(energy)):
        seen = mask[row].numpy()
        expected = conditioned(
            float(torch.exp(-prior[row])),
            np.diag(np.exp(-energy[row].numpy()[seen])),
            mean[row].numpy(),
            value[row].numpy()[seen],
        )
        np.testing.assert_allclose(found[row].numpy(), expected, rtol=1e-7, atol=1e-8)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 2**16))
def test_the_capped_form_is_the_closed_form_of_bayes(counts: list[int], seed: int) -> None:
    """Readings of one sensor share its system error: the full covariance over all readings gives the same mean."""
    random = np.random.default_rng(seed)
    m, d = len(counts), 3
    energy, log_noise, prior = random.normal(size=m), random.normal(size=m), random.normal()
    mean, groups = random.normal(size=d), [random.normal(size=(n, d)) for n in counts]
    which = np.repeat(np.arange(m), counts)
    error = np.exp(-energy)[which][:, None] * (which[:, None] == which) + np.diag(np.exp(log_noise)[which])
    expected = conditioned(np.exp(-prior), error, mean, np.concatenate(groups))
    given_counts = torch.tensor(counts, dtype=torch.float64)
    log_precision = capped_log_precision(torch.tensor(energy), torch.tensor(log_noise), given_counts.log())
    found = posterior_mean(
        log_precision[None],
        torch.tensor(np.stack([group.mean(axis=0) for group in groups]))[None],
        torch.tensor(mean)[None],
        torch.tensor([prior], dtype=torch.float64),
        torch.ones((1, m), dtype=torch.bool),
    )
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-7, atol=1e-8)


def conditioned(prior_variance: float, error: np.ndarray, mean: np.ndarray, readings: np.ndarray) -> np.ndarray:
    """E[v | readings] for v ~ N(mean, prior_variance I), readings = v + noise of covariance `error` [T, T]."""
    gain = np.linalg.solve(np.full(error.shape, prior_variance) + error, readings - mean)
    return np.asarray(mean + prior_variance * gain.sum(axis=0))


def test_repeating_a_step_adds_weight_without_end_in_base_and_not_when_capped() -> None:
    """n equal readings: n exp(e) against 1 / (σ² + σ'²/n), which stays below exp(e)."""
    energy, noise = torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    capped = [float(capped_log_precision(energy, noise, torch.tensor([float(n)]).log()).exp()) for n in (1, 10, 10_000)]
    assert capped == pytest.approx([1 / 2, 1 / 1.1, 1 / 1.0001])
    value = torch.ones((1, 6, 1), dtype=torch.float64)
    base = posterior_mean(energy.expand(1, 6), value, value[:, 0] * 0, energy, YES.expand(1, 6))
    assert float(base) == pytest.approx(6 / 7)  # six readings of weight 1 against a prior of weight 1


@given(sizes)
def test_shares_of_one_nth_are_the_sensor(size: tuple[int, int, int, int]) -> None:
    """Each step with its sensor's precision over n, ungrouped, pools like the sensors with their means."""
    n, m, d, seed = size
    random = torch.Generator().manual_seed(seed)
    counts = torch.randint(1, 4, (m,), generator=random)
    which = torch.repeat_interleave(torch.arange(m), counts)
    energy, noise = (torch.randn(m, generator=random, dtype=torch.float64) for _ in range(2))
    value = torch.randn((len(which), d), generator=random, dtype=torch.float64)
    means = torch.stack([value[which == sensor].mean(dim=0) for sensor in range(m)])
    prior, log_prior = torch.randn((n, d), generator=random, dtype=torch.float64), torch.zeros(n, dtype=torch.float64)
    log_precision = capped_log_precision(energy, noise, counts.double().log())
    shares = (log_precision - counts.double().log())[which]
    steps = posterior_mean(shares.expand(n, -1), value[None], prior, log_prior, YES.expand(1, len(which)))
    sensors = posterior_mean(log_precision.expand(n, -1), means[None], prior, log_prior, YES.expand(1, m))
    assert_close(steps, sensors, rtol=1e-9, atol=1e-9)


def test_no_exponent_overflows() -> None:
    """The largest energies against the weakest prior are finite, and so is their gradient."""
    energy = torch.tensor([[1e4, -1e4]], requires_grad=True)
    found = posterior_mean(
        bounded(energy), torch.ones((1, 2, 1)), torch.zeros((1, 1)), torch.tensor([-8.0]), YES.expand(1, 2)
    )
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(found).all()
    assert energy.grad is not None
    assert torch.isfinite(energy.grad).all()


@given(st.integers(1, 8), st.integers(0, 2**16))
def test_repeats_counts_equal_keys_among_what_is_not_masked(t: int, seed: int) -> None:
    """A loop over ids agrees."""
    random = np.random.default_rng(seed)
    ids, mask = random.integers(0, 3, (2, t)), random.random((2, t)) < 0.7
    table = random.normal(size=(3, 4))
    found = repeats(torch.tensor(table[ids]), torch.tensor(mask)).numpy()
    for row in range(2):
        for step in range(t):
            expected = sum(bool(mask[row, other]) and ids[row, other] == ids[row, step] for other in range(t))
            assert found[row, step] == max(expected, 1)
