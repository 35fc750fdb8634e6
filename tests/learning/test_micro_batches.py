"""Laws of micro-batches: the step is that of the whole batch, and never more than a part is kept for backward."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from adcascade.features import Encoder
from adcascade.learning.labelled import Labelled, labelled
from adcascade.learning.loop import Sides, Training, click_loss, fit
from adcascade.learning.micro_batches import MicroBatches
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.din import DIN

Sample = Callable[..., pa.Table]


@pytest.mark.parametrize("parts", [1, 3, 64, 1000])
def test_parts_learn_what_the_whole_batch_learns(parts: int, encoder: Encoder, sample: Sample) -> None:
    """Weights that differ, histories, a last batch that does not divide: losses and rows agree to rounding."""
    table = sample(300, 1)
    table = table.append_column("weight", [pa.array(1.0 + np.arange(300) % 3)])
    found = []
    for objective in (click_loss, MicroBatches(parts)):
        torch.manual_seed(0)
        model, packed = DIN(Shape.of(encoder, 4)), PackedEmbedding(encoder.rows, TableConfig(width=4, rate=0.1))
        losses: list[float] = []
        rules = Training(batch_size=64, rate=0.01, interleave=parts % 2)
        fit(
            model,
            packed,
            [labelled(encoder, table)],
            rules,
            objective=objective,
            progress=lambda *told, losses=losses: losses.append(told[2]),
        )
        found.append((losses, packed.weight))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-3, atol=1e-5)


def test_each_part_is_done_with_before_the_next_begins(encoder: Encoder, sample: Sample) -> None:
    """When a part's forward pass starts, the graph of the one before has been used up: so many samples at once."""
    seen: list[int] = []
    losses: list[Tensor] = []

    def watched(model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
        for loss in losses:
            with pytest.raises(RuntimeError, match="second time"):
                loss.backward()  # type: ignore[no-untyped-call]
        seen.append(len(samples))
        losses.append(click_loss(model, sides, samples))
        return losses[-1]

    packed = PackedEmbedding(encoder.rows, TableConfig(width=4))
    model = DIN(Shape.of(encoder, 4))
    fit(
        model,
        packed,
        [labelled(encoder, sample(70, 1))],
        Training(batch_size=70),
        objective=MicroBatches(4, watched),
    )
    assert seen == [18, 18, 18, 16]


def test_no_part_is_refused() -> None:
    """A batch has at least one."""
    with pytest.raises(ValueError, match="parts is 0"):
        MicroBatches(0)
