"""The table on a device keeps the law of the table in memory; the device is the CPU, and a GPU where there is one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import ConfigurationError
from adcascade.nn.device import DeviceEmbedding, device_named
from adcascade.nn.packed import PackedEmbedding, TableConfig

ROWS, WIDTH = 12, 3
DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
BATCHES = st.lists(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=20), min_size=1, max_size=6)


@pytest.mark.parametrize("device", DEVICES)
@settings(deadline=None, max_examples=50)
@given(batches=BATCHES, row_wise=st.booleans(), l2=st.sampled_from([0.0, 0.1]))
def test_it_learns_what_the_packed_table_learns(
    device: str, batches: list[list[int]], row_wise: bool, l2: float
) -> None:
    """The same calls leave the same rows and sums of squares, to float32's rounding; row 0 stays zero."""
    config = TableConfig(width=WIDTH, init_std=0.1, rate=0.1, row_wise=row_wise, l2=l2)
    ours, law = DeviceEmbedding(ROWS, config, device=device, seed=1), PackedEmbedding(ROWS, config, seed=1)
    for number, batch in enumerate(batches):
        ids = np.array(batch)
        gradient = torch.from_numpy(np.random.default_rng(number).standard_normal((len(ids), WIDTH)).astype(np.float32))
        for table in (ours, law):
            leaf = table.gather(ids)
            (leaf * gradient.to(leaf.device)).sum().backward()  # type: ignore[no-untyped-call]
            table.update(ids, leaf.grad, share=0.5)
    for name, expected in law.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], expected, rtol=1e-5, atol=1e-6)
    assert (ours.look_up(np.array([0])) == 0).all()


@pytest.mark.parametrize("device", DEVICES)
def test_states_pass_between_the_two_tables(device: str, tmp_path: Path) -> None:
    """A state of one continues in the other, and both save the same file."""
    config = TableConfig(width=WIDTH)
    ours, law = DeviceEmbedding(ROWS, config, device=device, seed=3), PackedEmbedding(ROWS, config, seed=4)
    ours.load_state_dict(law.state_dict())
    ours.save(str(tmp_path / "ours.npy"))
    law.save(str(tmp_path / "law.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "ours.npy"), np.load(tmp_path / "law.npy"))
    with pytest.raises(ValueError, match="the same encoder"):
        ours.load_state_dict(PackedEmbedding(ROWS + 1, config).state_dict())


@pytest.mark.parametrize("name", ["tpu", "meta", "cuda:7"])
def test_a_device_that_is_not_there_is_refused_with_a_remedy(name: str) -> None:
    """Field, value, expectation; "auto" takes what there is."""
    with pytest.raises(ConfigurationError, match=r"train\.device"):
        device_named(name)
    assert device_named("auto").type == DEVICES[-1]
