"""What a step costs, by counting: operators and memory that neither fields nor the table's rows move."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from adcascade.contracts import Batch
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Step, Training, gather
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config
from adcascade.ranking.din import DIN, DINConfig

WIDTH, B, LENGTH = 4, 64, 6


class Cost(NamedTuple):
    """Of one step, warm."""

    operators: int
    largest: int  # bytes of the largest single allocation by torch


def samples_of(fields: int, rows: int, seed: int = 0) -> Labelled:
    """Random ones with two sequences."""
    random = np.random.default_rng(seed)
    length = random.integers(0, LENGTH + 1, B)
    history = random.integers(1, rows, (B, LENGTH, 2)) * (np.arange(LENGTH) < length[:, None])[:, :, None]
    batch = Batch(
        ids=random.integers(1, rows, (B, fields)),
        dense=np.zeros((B, 0), np.float32),
        history=history,
        history_length=length,
        scenario=np.zeros(B, np.int64),
    )
    return Labelled(batch=batch, label=(random.random(B) < 0.3).astype(np.float32), weight=np.ones(B, np.float32))


def model_of(name: str, fields: int) -> ScoringModel:
    """Small."""
    shape = Shape(
        width=WIDTH,
        request_fields=fields - 2,
        request_numbers=0,
        ad_fields=2,
        ad_numbers=0,
        sequences=2,
        length=LENGTH,
        targets=(0, 1),
    )
    torch.manual_seed(0)
    return DCNv2(shape, DCNv2Config(hidden=(8,))) if name == "dcn_v2" else DIN(shape, DINConfig(hidden=(8,)))


def cost(name: str, fields: int, rows: int) -> Cost:
    """Counted by torch's profiler."""
    table = PackedEmbedding(rows, TableConfig(width=WIDTH))
    step, samples = Step(model_of(name, fields), table, Training(batch_size=B)), samples_of(fields, rows)
    step(samples)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        step(samples)
    events = [one for one in seen.events() if one.name.startswith("aten::")]
    return Cost(len(events), max(one.self_cpu_memory_usage for one in events))


@pytest.mark.parametrize("name", ["dcn_v2", "din"])
def test_operators_do_not_grow_with_the_fields(name: str) -> None:
    """Forty fields run the same operators as four, but for a view or two: the table is one."""
    assert abs(cost(name, 40, 1000).operators - cost(name, 4, 1000).operators) < 36 / 4


@pytest.mark.parametrize("name", ["dcn_v2", "din"])
def test_nothing_grows_with_the_rows_of_the_table(name: str) -> None:
    """Operators and the largest allocation of a step are the same for a thousand and a million rows."""
    assert cost(name, 6, 1000) == cost(name, 6, 1_000_000)


def test_a_ragged_batch_looks_up_the_steps_that_are_there() -> None:
    """Rows looked up are B F for the fields and two a step, none for padding."""
    samples, model = samples_of(6, 1000), model_of("din", 6)
    table = PackedEmbedding(1000, TableConfig(width=WIDTH))
    sides = gather(table, samples.batch, model.shape, ragged=True)
    steps = int(samples.batch.history_length.sum())
    assert len(sides.ids) == len(sides.leaf) == B * 6 + 2 * steps
    assert sides.user.history.shape == (steps, 2, WIDTH)
    padded = gather(table, samples.batch, model.shape)
    torch.testing.assert_close(padded.user.history[padded.user.mask], sides.user.history)


def test_training_without_padding_is_training_with_it() -> None:
    """Ten steps of DIN, ragged and padded: the same losses and the same table, up to rounding."""
    runs = []
    for ragged in (True, False):
        table = PackedEmbedding(1000, TableConfig(width=WIDTH, rate=0.1, init_std=0.1), seed=1)
        step = Step(model_of("din", 6), table, Training(batch_size=B, rate=0.01))
        step.ragged = ragged
        runs.append(([step(samples_of(6, 1000, seed)) for seed in range(10)], table.weight))
    np.testing.assert_allclose(runs[0][0], runs[1][0], rtol=1e-5)
    np.testing.assert_allclose(runs[0][1], runs[1][1], atol=1e-4)
