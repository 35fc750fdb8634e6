"""Laws of the packed table: Adagrad as torch does it, on the touched rows only."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.nn.packed import PackedEmbedding, TableConfig, sum_by_row

ROWS, WIDTH = 12, 3


@settings(deadline=None)  # numba compiles during the first example
@given(st.lists(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=20), min_size=1, max_size=6))
def test_steps_equal_those_of_torchs_sparse_adagrad(batches: list[list[int]]) -> None:
    """After any batches, rows repeated or not, the weights are torch.optim.Adagrad's to 1e-6."""
    table = PackedEmbedding(ROWS, TableConfig(width=WIDTH, init_std=0.1, rate=0.1), seed=1)
    peer = torch.nn.Embedding(ROWS, WIDTH, sparse=True, _weight=torch.from_numpy(table.weight.copy()))
    optimiser = torch.optim.Adagrad(peer.parameters(), lr=0.1)
    target = torch.linspace(-1, 1, WIDTH)
    torch.sparse.check_sparse_tensor_invariants.enable()  # type: ignore[no-untyped-call]
    for batch in batches:
        ids = np.array(batch)
        leaf = table.gather(ids)
        (((leaf - target) ** 2).sum(dim=1) * torch.from_numpy(ids != 0)).sum().backward()  # type: ignore[no-untyped-call]
        table.update(ids, leaf.grad)
        optimiser.zero_grad()
        found = peer(torch.from_numpy(ids))
        (((found - target) ** 2).sum(dim=1) * torch.from_numpy(ids != 0)).sum().backward()
        optimiser.step()
    np.testing.assert_allclose(table.weight[1:], peer.weight.detach().numpy()[1:], rtol=1e-5, atol=1e-6)


@settings(deadline=None)  # numba compiles during the first example
@given(st.lists(st.integers(0, ROWS - 1), max_size=30))
def test_gradients_of_equal_rows_are_summed(ids: list[int]) -> None:
    """sum_by_row is the sum over equal rows, padding left out, and leaves its scratch clean."""
    rows = np.array(ids, np.int64)
    gradients = np.random.default_rng(len(ids)).standard_normal((len(ids), WIDTH)).astype(np.float32)
    scratch = np.full(ROWS, -1, np.int32)
    touched, total = sum_by_row(rows, gradients, scratch)
    assert sorted(touched.tolist()) == sorted(set(ids) - {0})
    for row, sums in zip(touched, total, strict=True):
        np.testing.assert_allclose(sums, gradients[rows == row].sum(axis=0), rtol=1e-4, atol=1e-5)
    assert (scratch == -1).all()


@pytest.mark.parametrize("row_wise", [False, True])
def test_only_touched_rows_move_and_padding_never_does(row_wise: bool) -> None:
    """Rows outside the batch keep their bits; row 0 stays zero even when it is asked for."""
    table = PackedEmbedding(ROWS, TableConfig(width=WIDTH, row_wise=row_wise, l2=0.1))
    before = table.weight.copy()
    ids = np.array([[0, 3], [5, 3]])
    table.update(ids, torch.ones(2, 2, WIDTH))
    moved = (table.weight != before).any(axis=1)
    assert np.flatnonzero(moved).tolist() == [3, 5]
    assert (table.weight[0] == 0).all()


def test_row_wise_adagrad_divides_by_the_rows_own_mean_square() -> None:
    """G_r grows by the mean of g² over the row, and w_r moves by rate g / sqrt(G_r)."""
    table = PackedEmbedding(4, TableConfig(width=2, rate=0.1, row_wise=True))
    before = table.weight[2].copy()
    for gradient in ((3.0, 4.0), (0.0, 5.0)):
        table.update(np.array([2]), torch.tensor([gradient]))
    first = np.array([3.0, 4.0]) / np.sqrt(12.5)
    second = np.array([0.0, 5.0]) / np.sqrt(25.0)
    np.testing.assert_allclose(table.weight[2], before - 0.1 * (first + second), rtol=1e-5)


def test_l2_pulls_a_touched_row_toward_zero() -> None:
    """The gradient of a touched row grows by l2 times the row, as torch's weight decay does."""
    table = PackedEmbedding(4, TableConfig(width=2, rate=0.1, l2=0.5, init_std=1.0))
    weight = torch.nn.Parameter(torch.from_numpy(table.weight[[2]].copy()))
    optimiser = torch.optim.Adagrad([weight], lr=0.1, weight_decay=0.5)
    weight.grad = torch.tensor([[0.1, -0.2]])
    optimiser.step()
    table.update(np.array([2]), torch.tensor([[0.1, -0.2]]))
    np.testing.assert_allclose(table.weight[[2]], weight.detach().numpy(), rtol=1e-6)


def test_gather_looks_rows_up_and_is_a_leaf() -> None:
    """The rows asked for, in the shape asked for, ready to take a gradient; no gradient, no change."""
    table = PackedEmbedding(ROWS, TableConfig(width=WIDTH))
    ids = np.array([[1, 2], [2, 0]])
    leaf = table.gather(ids)
    assert leaf.is_leaf
    assert leaf.requires_grad
    np.testing.assert_array_equal(leaf.detach().numpy(), table.weight[ids])
    before = table.weight.copy()
    table.update(ids, None)
    np.testing.assert_array_equal(table.weight, before)


def test_a_restored_table_continues_as_if_never_stopped() -> None:
    """Weights and sums of squares are the whole state; another shape is refused."""
    one, other = (PackedEmbedding(ROWS, TableConfig(width=WIDTH), seed=seed) for seed in (1, 2))
    one.update(np.array([1, 2]), torch.ones(2, WIDTH))
    other.load_state_dict(one.state_dict())
    for table in (one, other):
        table.update(np.array([2, 3]), torch.ones(2, WIDTH))
    np.testing.assert_array_equal(one.weight, other.weight)
    with pytest.raises(ValueError, match="same encoder"):
        PackedEmbedding(ROWS + 1, TableConfig(width=WIDTH)).load_state_dict(one.state_dict())
