"""Laws of interleaving: training is what it was, whatever ran ahead, and no thread outlives it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from adcascade.errors import ConfigurationError
from adcascade.features import Encoder
from adcascade.learning.interleaving import Interleaving, LookedUpAhead
from adcascade.learning.labelled import Labelled, LabelledBlocks, labelled
from adcascade.learning.loop import Training, fit, gather
from adcascade.learning.model import Shape
from adcascade.learning.rows import rows_of
from adcascade.nn.cached import CacheConfig, CachedEmbedding
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.table import EmbeddingTable
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config

Sample = Callable[..., pa.Table]
CONFIG = TableConfig(width=4, rate=0.1)
SMALL = DCNv2Config(hidden=(16, 8), dropout=0.1)


def model_of(encoder: Encoder) -> DCNv2:
    """The same one each time."""
    torch.manual_seed(1)
    return DCNv2(Shape.of(encoder, 4), SMALL)


def history(encoder: Encoder, table: EmbeddingTable, tables: list[pa.Table], ahead: int) -> list[float]:
    """The loss of every step, with dropout, over two epochs."""
    found: list[float] = []
    rules = Training(epochs=2, batch_size=64, rate=0.01, rows=1100, embedding_dropout=0.2, interleave=ahead)
    blocks = LabelledBlocks(encoder, lambda: tables)
    fit(model_of(encoder), table, blocks, rules, progress=lambda *told: found.append(told[2]))
    return found


@pytest.mark.parametrize("ahead", [1, 3])
@pytest.mark.parametrize("cached", [False, True])
def test_the_losses_are_those_of_training_without(
    ahead: int, cached: bool, encoder: Encoder, sample: Sample, tmp_path: Path
) -> None:
    """Bit for bit, though most rows of a batch were learned after they were looked up for it; so are the rows."""
    tables = [sample(500, 1), sample(600, 2)]
    plain = PackedEmbedding(encoder.rows, CONFIG)
    cache = CacheConfig(hot_rows=20, warm_up=2, flush_every=3)
    table = CachedEmbedding(encoder.rows, CONFIG, cache, tmp_path) if cached else PackedEmbedding(encoder.rows, CONFIG)
    assert history(encoder, table, tables, ahead) == history(encoder, plain, tables, 0)
    np.testing.assert_array_equal(table.state_dict()["weight"], plain.weight)
    assert not ahead_threads()


def test_only_rows_that_were_learned_since_are_looked_up_again(encoder: Encoder, sample: Sample) -> None:
    """A brute-force count: those of the batch that a step touched after the look-up began."""
    one, two = (labelled(encoder, sample(40, seed)) for seed in (1, 2))
    table = LookedUpAhead(PackedEmbedding(encoder.rows, CONFIG))
    for samples in (one, two):
        table.turn = table.ahead(samples)
        ids = rows_of(samples.batch)
        table.update(ids, torch.ones_like(table.gather(ids)))
    assert table.patched == 0
    turn = table.ahead(one)
    ids = rows_of(two.batch)
    table.update(ids, torch.ones_like(table.gather(ids)))
    table.turn = turn
    found = table.gather(turn.ids)
    assert table.patched == np.isin(turn.ids, ids).sum() > 0
    np.testing.assert_array_equal(found.detach(), table.look_up(turn.ids))
    assert found.requires_grad


def test_who_asks_for_other_rows_gets_those(encoder: Encoder, sample: Sample) -> None:
    """What was looked up ahead is for its own batch alone."""
    one, two = (labelled(encoder, sample(40, seed)) for seed in (1, 2))
    table = LookedUpAhead(PackedEmbedding(encoder.rows, CONFIG))
    table.turn = table.ahead(one)
    sides = gather(table, two.batch, Shape.of(encoder, 4))
    np.testing.assert_array_equal(sides.leaf.detach(), table.look_up(rows_of(two.batch)))


def ahead_threads() -> list[str]:
    """Threads that prepare blocks or batches."""
    return [thread.name for thread in threading.enumerate() if thread.name in {"blocks ahead", "batches ahead"}]


def test_what_goes_wrong_in_a_block_ends_the_training(encoder: Encoder, sample: Sample) -> None:
    """With its own error, and without threads left behind."""
    table = PackedEmbedding(encoder.rows, CONFIG)
    with pytest.raises(ConfigurationError, match="no column 'click'"):
        history(encoder, table, [sample(300, 1), sample(300, 2).drop_columns(["click"])], 1)
    assert not ahead_threads()


def test_a_training_that_stops_early_leaves_no_thread(encoder: Encoder, sample: Sample) -> None:
    """Also where blocks would come for ever, and the objective raises after three steps."""
    block = labelled(encoder, sample(200, 1))
    seen: list[int] = []

    def endless() -> Iterator[Labelled]:
        while True:
            yield block

    class Blocks:
        def __iter__(self) -> Iterator[Labelled]:
            return endless()

    def stop(*told: float) -> None:
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(
            model_of(encoder),
            PackedEmbedding(encoder.rows, CONFIG),
            Blocks(),
            Training(batch_size=64, interleave=2),
            progress=stop,
        )
    assert not ahead_threads()


def test_nothing_ahead_is_no_thread_and_the_table_itself(encoder: Encoder, sample: Sample) -> None:
    """The plain loop."""
    table = PackedEmbedding(encoder.rows, CONFIG)
    block = labelled(encoder, sample(10, 1))
    with Interleaving(table, 0) as ahead:
        assert ahead.table is table
        assert list(ahead.batches(iter(ahead.blocks([block])))) == [block]
        assert not ahead_threads()


def test_everything_else_is_asked_of_the_table_beneath(tmp_path: Path) -> None:
    """Size, state and file."""
    beneath = PackedEmbedding(9, CONFIG)
    table = LookedUpAhead(beneath)
    assert (table.rows, table.width) == (9, 4)
    table.save(str(tmp_path / "table.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "table.npy"), beneath.weight)
    table.load_state_dict(PackedEmbedding(9, CONFIG, seed=1).state_dict())
    np.testing.assert_array_equal(table.state_dict()["weight"], PackedEmbedding(9, CONFIG, seed=1).weight)
