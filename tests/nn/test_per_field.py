"""The unpacked twin keeps the law of the packed table, in its numbering."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.per_field import PerFieldEmbedding

CONFIG = TableConfig(width=3, rate=0.1, init_std=0.1, start=0.01)


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), steps=st.integers(1, 5), seed=st.integers(0, 99))
def test_the_same_calls_leave_the_same_rows(sizes: list[int], steps: int, seed: int) -> None:
    """Ids in columns, padded here and there, also end to end; to the rounding of float32."""
    random = np.random.default_rng(seed)
    starts = np.cumsum([1, *sizes[:-1]])
    packed, apart = PackedEmbedding(1 + sum(sizes), CONFIG, seed=2), PerFieldEmbedding(sizes, CONFIG, seed=2)
    for number in range(steps):
        ids = np.column_stack([start + random.integers(0, size, 7) for start, size in zip(starts, sizes, strict=True)])
        ids[random.random(ids.shape) < 0.2] = 0
        ids = ids.ravel() if number % 2 else ids
        gradient = torch.from_numpy(random.standard_normal((*ids.shape, 3)).astype(np.float32))
        torch.testing.assert_close(apart.gather(ids), packed.gather(ids), rtol=1e-5, atol=1e-6)
        for table in (packed, apart):
            table.update(ids, gradient, share=1 / (1 + number))
    assert apart.rows == packed.rows
    for name, values in packed.state_dict().items():
        np.testing.assert_allclose(apart.state_dict()[name], values, rtol=1e-5, atol=1e-6)
    every = random.permutation(packed.rows)
    np.testing.assert_allclose(apart.look_up(every), packed.look_up(every), rtol=1e-5, atol=1e-6)


def test_a_state_of_other_rows_is_refused(tmp_path: Path) -> None:
    """And the file is the packed table's."""
    apart = PerFieldEmbedding([2, 3], CONFIG, seed=4)
    apart.update(np.array([[1, 3]]), None)
    apart.save(str(tmp_path / "table.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "table.npy"), PackedEmbedding(6, CONFIG, seed=4).weight)
    with pytest.raises(ValueError, match="expected 6"):
        apart.load_state_dict(PackedEmbedding(7, CONFIG).state_dict())
