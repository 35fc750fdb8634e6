"""Laws of the training loop."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from adcascade.errors import ConfigurationError
from adcascade.features import Encoder
from adcascade.learning.labelled import LabelledBlocks, labelled
from adcascade.learning.loop import Sides, Training, click_loss, fit, gather, predict, shuffled
from adcascade.learning.model import Shape
from adcascade.metrics import auc
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config
from adcascade.ranking.lr import LogisticRegression

Sample = Callable[..., pa.Table]
SMALL = DCNv2Config(hidden=(16, 8), dropout=0.1)


def trained(encoder: Encoder, table: pa.Table, seed: int = 0, **training: float) -> tuple[DCNv2, PackedEmbedding]:
    """A small DCN-V2 after two epochs."""
    torch.manual_seed(seed)
    model = DCNv2(Shape.of(encoder, 4), SMALL)
    packed = PackedEmbedding(encoder.rows, TableConfig(width=4, rate=0.1), seed=seed)
    rules = Training(epochs=2, batch_size=128, rate=0.01, seed=seed, embedding_dropout=training.get("dropout", 0.0))
    fit(model, packed, LabelledBlocks(encoder, lambda: [table]), rules)
    return model, packed


def test_signal_is_learned_and_noise_is_not(encoder: Encoder, sample: Sample) -> None:
    """On new rows the AUC is high where ads differ, and one half where nothing does."""
    for signal, low, high in ((1.0, 0.8, 1.0), (0.0, 0.45, 0.55)):
        model, packed = trained(encoder, sample(3000, 1, signal))
        held_out = labelled(encoder, sample(3000, 2, signal))
        assert low < auc(held_out.label, predict(model, packed, held_out.batch)) < high


def test_the_same_seed_gives_the_same_model(encoder: Encoder, sample: Sample) -> None:
    """Two runs agree bit for bit, dropout included; another seed differs."""
    table = sample(500, 1)
    runs = [trained(encoder, table, seed, dropout=0.2) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0][1].weight, runs[1][1].weight)
    for one, other in zip(runs[0][0].parameters(), runs[1][0].parameters(), strict=True):
        assert torch.equal(one, other)
    assert (runs[0][1].weight != runs[2][1].weight).any()


def test_the_loss_falls_and_progress_counts_every_sample(encoder: Encoder, sample: Sample) -> None:
    """Epoch by epoch the mean loss falls; progress sees all samples of all blocks."""
    told: list[tuple[int, int]] = []
    blocks = LabelledBlocks(encoder, lambda: [sample(500, 1), sample(300, 2)])
    packed = PackedEmbedding(encoder.rows, TableConfig(width=1, init_std=0.0))
    losses = fit(
        LogisticRegression(Shape.of(encoder, 1)),
        packed,
        blocks,
        Training(epochs=3, batch_size=64),
        progress=lambda epoch, seen, _: told.append((epoch, seen)),
    )
    assert losses == sorted(losses, reverse=True)
    assert told[-1] == (2, 800)


def test_batches_hold_each_sample_once(encoder: Encoder, sample: Sample) -> None:
    """Shuffling loses nothing and repeats nothing; what is left over makes a smaller batch."""
    block = labelled(encoder, sample(100, 1).append_column("row", [np.arange(100.0)]), extra=["row"])
    batches = list(shuffled([block, block], 64, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [64, 36, 64, 36]
    rows = np.concatenate([batch.extra["row"] for batch in batches[:2]])
    assert sorted(rows) == list(range(100))
    assert (rows != np.arange(100)).any()


def test_a_weight_counts_as_repeated_rows(encoder: Encoder, sample: Sample) -> None:
    """The loss with weights 1 and 2 is the loss with those rows twice; a null weight is 1."""
    table = sample(40, 1)
    weight = [1.0, 2.0] * 19 + [None, 2.0]
    weighted = labelled(encoder, table.append_column("weight", [pa.array(weight)]))
    repeated = labelled(encoder, pa.concat_tables([table, table.take(list(range(1, 40, 2)))]))
    model = LogisticRegression(Shape.of(encoder, 1))
    packed = PackedEmbedding(encoder.rows, TableConfig(width=1, init_std=1.0))
    losses = [
        float(click_loss(model, gather(packed, one.batch, model.shape), one).detach()) for one in (weighted, repeated)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_rows_without_a_label_are_left_out(encoder: Encoder, sample: Sample) -> None:
    """A null label is no sample; a label that is no column is a mistake."""
    table = sample(10, 1).append_column("conversion", [pa.array([1.0, None] * 5)])
    assert len(labelled(encoder, table, label="conversion")) == 5
    with pytest.raises(ConfigurationError, match="revenue"):
        labelled(encoder, table, label="revenue")


def test_predictions_do_not_depend_on_the_parts(encoder: Encoder, sample: Sample) -> None:
    """In one part or in many, the same logits; of no sample, none."""
    batch = labelled(encoder, sample(100, 1)).batch
    model, packed = trained(encoder, sample(200, 2))
    np.testing.assert_allclose(
        predict(model, packed, batch), predict(model, packed, batch, size=7), rtol=1e-5, atol=1e-6
    )
    assert predict(model, packed, batch.take(slice(0, 0))).shape == (0,)


def test_an_objective_of_ones_own_may_read_further_columns(encoder: Encoder, sample: Sample) -> None:
    """Distillation in three lines: learn a teacher's logit, carried as an extra column."""
    table = sample(1000, 1)
    teacher = np.array([float(name[1:]) - 10 for name in table["ad"].to_pylist()])
    table = table.append_column("teacher", [teacher])

    def imitate(model: torch.nn.Module, sides: Sides, samples: object) -> Tensor:
        found: Tensor = model(sides.user, sides.ads)
        return ((found - torch.from_numpy(samples.extra["teacher"])) ** 2).mean()  # type: ignore[attr-defined]

    model = LogisticRegression(Shape.of(encoder, 1))
    packed = PackedEmbedding(encoder.rows, TableConfig(width=1, rate=1.0))
    blocks = LabelledBlocks(encoder, lambda: [table], extra=["teacher"])
    fit(model, packed, blocks, Training(epochs=20, batch_size=100), objective=imitate)
    found = predict(model, packed, labelled(encoder, table).batch)
    assert np.corrcoef(found, teacher)[0, 1] > 0.8
