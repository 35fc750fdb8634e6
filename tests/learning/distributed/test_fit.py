"""Laws of training together: what N processes come to is what one process comes to."""

from pathlib import Path

import numpy as np
import pytest
from tests.learning.distributed.processes import together
from tests.learning.distributed.small_world import TRAINING, Outcome, train_alone, train_together

from adcascade.learning.distributed.world import World


def assert_same(found: Outcome, expected: Outcome, *, skipped: int = 0) -> None:
    """Losses, dense part and table to 1e-5; `skipped`: batches that were learned before."""
    np.testing.assert_allclose(found.losses, expected.losses[skipped:], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.epochs, expected.epochs, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.dense, expected.dense, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.weight, expected.weight, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.squares, expected.squares, rtol=1e-4, atol=1e-7)


def test_a_world_of_one_is_the_loop_of_one_process() -> None:
    """Weights, l2, decay, falling rates, rows without a label: the same numbers."""
    assert_same(train_together(World()), train_alone())


@pytest.mark.parametrize("size", [2, 4])
def test_processes_come_to_what_one_comes_to(size: int) -> None:
    """The loss of every batch, the dense part, the table and its sums of squares agree to 1e-5, in every process.

    A block leaves over two samples: of four processes two have none then, and change nothing.
    """
    expected = train_alone()
    for found in together(size, train_together):
        assert_same(found, expected)


def test_another_number_of_processes_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    """Three stop in the middle of an epoch; two go on from the checkpoint, then one: no batch is lost or repeated."""
    expected = train_alone()
    stopped = together(3, train_together, TRAINING, tmp_path, 5)[0]  # checkpoint after 3
    np.testing.assert_allclose(stopped.losses, expected.losses[:5], rtol=0, atol=1e-5)
    again = together(2, train_together, TRAINING, tmp_path, 8)[0]  # of steps 4 to 11; checkpoint after 9
    np.testing.assert_allclose(again.losses, expected.losses[3:11], rtol=0, atol=1e-5)
    last = train_together(World(), TRAINING, tmp_path)
    assert_same(last, expected, skipped=9)
