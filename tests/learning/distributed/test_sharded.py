"""Laws of the table whose rows are spread over processes: it is the packed table of one process."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.learning.distributed.processes import together

from adcascade.learning.distributed.sharded import BLOCK, ShardedEmbedding, summed
from adcascade.learning.distributed.world import World
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.table import EmbeddingTable, Floats, Ids

ROWS, WIDTH = 37, 3


def batches(seed: int, size: int) -> list[list[Ids]]:
    """Ids of some batches, cut for `size` processes: repeated rows, padding, and none at all for somebody."""
    random = np.random.default_rng(seed)
    whole = [np.append(random.integers(0, ROWS, length), [0, 1]) for length in (0, 5, 40, 3)]
    return [[batch[rank::size] for rank in range(size)] for batch in whole]


def gradient(ids: Ids) -> torch.Tensor:
    """Another one for every row, the same wherever it is computed."""
    return torch.from_numpy(np.cos(ids[:, None] * np.arange(1.0, WIDTH + 1)).astype(np.float32))


def lived(world: World, row_wise: bool, file: str) -> tuple[dict[str, Floats], bool, int]:
    """Some batches through a sharded table: its state, whether all it gave was right, and the bytes it sent."""
    config = TableConfig(width=WIDTH, rate=0.1, row_wise=row_wise, start=1e-3, l2=0.01)
    table: EmbeddingTable = ShardedEmbedding(ROWS, config, world, seed=7)
    right = table.rows == ROWS
    for batch in batches(1, world.size):
        mine = batch[world.rank]
        before = table.look_up(mine)
        leaf = table.gather(mine)
        right &= leaf.is_leaf and leaf.requires_grad and bool((leaf.detach().numpy() == before).all())
        right &= bool((before[mine == 0] == 0).all())
        table.update(mine, gradient(mine), share=0.5)
        table.update(mine, None)
    table.save(file)
    other = ShardedEmbedding(ROWS, config, world, seed=8)
    other.load_state_dict(table.state_dict())
    mine = np.arange(ROWS)
    right &= bool((other.look_up(mine) == table.look_up(mine)).all())
    return table.state_dict(), right, world.bytes_sent


@pytest.mark.parametrize("row_wise", [False, True])
@pytest.mark.parametrize("size", [1, 3])
def test_it_is_the_packed_table_of_one_process(tmp_path: Path, size: int, row_wise: bool) -> None:
    """After the same batches, however they were shared out, weights, squares and the saved file agree to 1e-6."""
    packed = PackedEmbedding(ROWS, TableConfig(width=WIDTH, rate=0.1, row_wise=row_wise, start=1e-3, l2=0.01), seed=7)
    for batch in batches(1, size):
        ids = np.concatenate(batch)
        packed.update(ids, gradient(ids), share=0.5)
    file = str(tmp_path / "table.npy")
    answers = [lived(World(), row_wise, file)] if size == 1 else together(size, lived, row_wise, file)
    for state, right, _ in answers:
        assert right
        np.testing.assert_allclose(state["weight"], packed.weight, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(state["squares"], packed.squares, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.load(file), answers[0][0]["weight"])


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_it_begins_as_the_packed_table_does(size: int) -> None:
    """Row by row the same bits, also beyond the first block of draws; each process draws its own rows alone."""
    rows = BLOCK + 100
    packed = PackedEmbedding(rows, TableConfig(width=2), seed=3)
    for rank in range(size):
        table = ShardedEmbedding(rows, TableConfig(width=2), World(rank, size), seed=3)
        np.testing.assert_array_equal(table.shard()["weight"], packed.weight[rank::size])


def asked(world: World) -> int:
    """Bytes that one step over the same row, asked for a thousand times by everybody, sends."""
    table = ShardedEmbedding(ROWS, TableConfig(width=WIDTH), world)
    ids = np.full((1000, 1), 5 + world.size)  # lies at process 5 mod size
    table.update(ids, torch.ones(1000, 1, WIDTH)) if table.gather(ids).numel() else None
    return world.bytes_sent


def test_a_row_travels_once_a_step_however_often_it_is_asked_for() -> None:
    """8 bytes of its id, its weights and its gradient; the owner sends the weights, the others the rest."""
    counts = 8
    owner, other = together(2, asked)[::-1]
    assert owner == counts + 4 * WIDTH
    assert other == counts + 8 + 4 * WIDTH


def test_a_state_of_another_encoder_is_refused() -> None:
    """A table of other rows is not loaded."""
    table = ShardedEmbedding(ROWS, TableConfig(width=WIDTH), World())
    state = PackedEmbedding(ROWS + 1, TableConfig(width=WIDTH)).state_dict()
    with pytest.raises(ValueError, match="same encoder"):
        table.load_state_dict(state)


@given(st.lists(st.integers(0, 6), max_size=30))
def test_gradients_of_equal_places_are_summed(places: list[int]) -> None:
    """summed is the sum over equal places; those beyond the rows are padding."""
    at = np.array(places, np.int64)
    gradients = np.random.default_rng(len(places)).standard_normal((len(places), WIDTH)).astype(np.float32)
    expected = np.zeros((5, WIDTH), np.float32)
    np.add.at(expected, at[at < 5], gradients[at < 5])
    np.testing.assert_allclose(summed(at, gradients, 5), expected, rtol=1e-5, atol=1e-6)
