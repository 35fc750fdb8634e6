"""Laws of labelled blocks: what is read of a set, and that mixing a block copies it once."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from adcascade.errors import StoreError
from adcascade.events.samples import Samples, SampleWriter
from adcascade.features import Encoder, Feature
from adcascade.learning.labelled import Labelled, LabelledBlocks
from adcascade.learning.loop import shuffled

FEATURES = [
    Feature(name="brand", side="ad", kind="categorical"),
    Feature(name="number", side="user", kind="index", buckets=50),
    Feature(name="age", side="user", kind="numeric"),
]


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    """A set with texts that are null, empty and repeated, and a column that nobody declares."""
    table = pa.table(
        {
            "click": pa.array([float(row % 2) for row in range(100)]),
            "brand": [None if row % 7 == 0 else ("" if row % 5 == 0 else f"b{row % 4}") for row in range(100)],
            "number": pa.array(range(100), pa.int32()),
            "age": pa.array([row / 3 for row in range(100)]),
            "weight": pa.array([row / 10 for row in range(100)]),
            "unused": ["x"] * 100,
        }
    )
    with SampleWriter(tmp_path / "set", source="test", features=FEATURES) as writer:
        writer.write(table)
    return Samples(tmp_path / "set")


def test_dictionaries_and_fewer_columns_change_nothing(samples: Samples) -> None:
    """Blocks read for an encoder are those of the whole tables, and the columns nobody needs are not read."""
    encoder = Encoder.fit(FEATURES, samples.tables())
    (whole,), (read,) = LabelledBlocks(encoder, samples.tables), LabelledBlocks.of(encoder, samples)
    for left, right in ((whole.batch.ids, read.batch.ids), (whole.batch.dense, read.batch.dense)):
        assert np.array_equal(left, right)
    assert np.array_equal(whole.label, read.label)
    assert np.array_equal(whole.weight, read.weight)
    (table,) = samples.tables(["brand"], dictionaries=True)
    assert pa.types.is_dictionary(table.schema.field("brand").type)


def test_batches_of_a_mixed_block_are_views_of_one_copy(samples: Samples) -> None:
    """Every sample comes once, with its own label, and all batches of a block lie in the same memory."""
    encoder = Encoder.fit(FEATURES, samples.tables())
    blocks = list(LabelledBlocks.of(encoder, samples))
    batches: list[Labelled] = list(shuffled(blocks, 32, np.random.default_rng(0)))
    order = np.random.default_rng(0).permutation(100)
    assert [len(batch) for batch in batches] == [32, 32, 32, 4]
    assert np.array_equal(np.concatenate([batch.batch.ids for batch in batches]), blocks[0].batch.ids[order])
    assert np.array_equal(np.concatenate([batch.label for batch in batches]), blocks[0].label[order])
    assert len({id(batch.batch.ids.base) for batch in batches}) == 1


@pytest.mark.parametrize("ahead", [1, 3])
def test_reading_ahead_changes_nothing_but_when(samples: Samples, ahead: int) -> None:
    """The same blocks in the same order, again for each epoch, never more tables read than were allowed to wait."""
    encoder = Encoder.fit(FEATURES, samples.tables())
    begun = 0

    def tables() -> Iterator[pa.Table]:
        nonlocal begun
        for table in samples.tables(batch_rows=9):
            begun += 1
            yield table

    plain, blocks = LabelledBlocks(encoder, tables), LabelledBlocks(encoder, tables, ahead=ahead)
    for _ in range(2):
        expected, begun = list(plain), 0
        for place, (one, other) in enumerate(zip(blocks, expected, strict=True)):
            assert np.array_equal(one.batch.ids, other.batch.ids)
            assert np.array_equal(one.label, other.label)
            assert begun <= place + 1 + ahead


def test_who_leaves_early_leaves_no_reader(samples: Samples) -> None:
    """The thread ends with the iteration, however it ends; what it could not read is raised to whoever iterates."""
    encoder = Encoder.fit(FEATURES, samples.tables())
    iteration = iter(LabelledBlocks(encoder, lambda: samples.tables(batch_rows=9), ahead=2))
    next(iteration)
    assert any(thread.name == "reader" for thread in threading.enumerate())
    iteration.close()
    assert not any(thread.name == "reader" for thread in threading.enumerate())
    (samples.folder / "part-00000.parquet").unlink()
    with pytest.raises(StoreError, match="part-00000"):
        list(LabelledBlocks(encoder, lambda: samples.tables(["click"]), ahead=1))
    assert not any(thread.name == "reader" for thread in threading.enumerate())
