"""The plain twin keeps the law of the packed table by torch's own operators."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.plain import PlainEmbedding

CONFIG = TableConfig(width=3, rate=0.1, init_std=0.1, start=0.01)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=20), min_size=1, max_size=6))
def test_the_same_calls_leave_the_same_rows(batches: list[list[int]]) -> None:
    """To the rounding of float32; padding included, which is never learned."""
    tables = PackedEmbedding(12, CONFIG, seed=2), PlainEmbedding(12, CONFIG, seed=2)
    for number, batch in enumerate(batches):
        ids = np.array([batch])
        gradient = torch.randn((1, len(batch), 3), generator=torch.Generator().manual_seed(number))
        for table in tables:
            assert table.gather(ids).shape == (1, len(batch), 3)
            table.update(ids, gradient, share=1 / (1 + number))
    for name, values in tables[0].state_dict().items():
        np.testing.assert_allclose(tables[1].state_dict()[name], values, rtol=1e-5, atol=1e-6)
    assert (tables[1].look_up(np.array([0])) == 0).all()


def test_a_state_goes_from_one_to_the_other(tmp_path: Path) -> None:
    """And to a file; no gradient changes nothing; what torch cannot do is refused."""
    one, other = PackedEmbedding(12, CONFIG, seed=1), PlainEmbedding(12, CONFIG, seed=2)
    other.load_state_dict(one.state_dict())
    other.update(np.array([1]), None)
    other.save(str(tmp_path / "table.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "table.npy"), one.weight)
    assert (other.rows, other.width) == (12, 3)
    with pytest.raises(ValueError, match="expected"):
        other.load_state_dict(PackedEmbedding(13, CONFIG).state_dict())
    with pytest.raises(ValueError, match="row-wise"):
        PlainEmbedding(12, TableConfig(row_wise=True))
