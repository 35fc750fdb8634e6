"""A small model and log, and a training of them by any number of processes."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from tests.learning.conftest import FEATURES, sample

from adcascade.features import Encoder
from adcascade.learning.distributed.checkpoint import Checkpoints
from adcascade.learning.distributed.fit import fit_together
from adcascade.learning.distributed.sharded import ShardedEmbedding
from adcascade.learning.distributed.turns import Turns
from adcascade.learning.distributed.world import World
from adcascade.learning.labelled import LabelledBlocks
from adcascade.learning.loop import Training, fit
from adcascade.learning.model import Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config

CONFIG = TableConfig(width=4, rate=0.05, start=1e-3, init_std=0.05, l2=1e-3)
TRAINING = Training(epochs=2, batch_size=36, rate=2e-3, decay=0.01, rows=461, seed=3)


class Outcome(NamedTuple):
    """What a training came to, as one process sees it."""

    losses: list[float]  # of each batch that this run learned from
    epochs: list[float]
    dense: NDArray[np.float32]
    weight: NDArray[np.float32]
    squares: NDArray[np.float32]
    bytes_sent: int = 0


def log(first: int = 0) -> Iterator[pa.Table]:
    """Three blocks, weighted, some rows without a label; 146 samples are four batches and two over."""
    return islice((_block(rows, seed) for seed, rows in enumerate((180, 151, 140))), first, None)


def _block(rows: int, seed: int) -> pa.Table:
    table, random = sample(rows, seed), np.random.default_rng(seed)
    click = table["click"].to_pylist()
    known = pa.array([None] * 5 + click[5:] if seed < 2 else click, pa.float32())
    weight = pa.array(random.uniform(0.5, 2.0, rows), pa.float32())
    return table.drop_columns("click").append_column("click", known).append_column("weight", weight)


def encoder() -> Encoder:
    """Fitted on all of it."""
    return Encoder.fit(FEATURES, log())


def model_of(known: Encoder) -> DCNv2:
    """As every training begins."""
    torch.manual_seed(5)
    return DCNv2(Shape.of(known, CONFIG.width), DCNv2Config(hidden=(8, 4), cross_layers=2))


def train_alone(training: Training = TRAINING) -> Outcome:
    """By the loop of one process."""
    known, losses = encoder(), []
    model, table = model_of(known), PackedEmbedding(known.rows, CONFIG, seed=1)
    blocks = LabelledBlocks(known, log)
    epochs = fit(model, table, blocks, training, progress=lambda _, __, loss: losses.append(loss))
    return outcome(losses, epochs, model, table.state_dict())


class Stopped(Exception):  # noqa: N818  it is wanted
    """The training was stopped after the batch that was asked for."""


def train_together(
    world: World, training: Training = TRAINING, folder: Path | None = None, stop_after: int = -1
) -> Outcome:
    """By all processes of the world, with checkpoints every third step if a folder is given, stopped after a batch."""
    known, losses = encoder(), []
    model, table = model_of(known), ShardedEmbedding(known.rows, CONFIG, world, seed=1)
    turns = Turns(known, log, training, world)
    checkpoints = None if folder is None else Checkpoints(folder, world, of="a small world", every=3)

    def progress(_: int, __: int, loss: float) -> None:
        losses.append(loss)
        if len(losses) == stop_after:
            raise Stopped

    epochs: list[float] = []
    with suppress(Stopped):
        epochs = fit_together(model, table, turns, checkpoints=checkpoints, progress=progress)
    return outcome(losses, epochs, model, table.state_dict(), world.bytes_sent)


def outcome(
    losses: list[float],
    epochs: list[float],
    model: torch.nn.Module,
    table: dict[str, NDArray[np.float32]],
    bytes_sent: int = 0,
) -> Outcome:
    """Of a model and the state of its table."""
    dense = torch.cat([one.detach().flatten() for one in model.parameters()]).numpy()
    return Outcome(losses, epochs, dense, table["weight"], table["squares"], bytes_sent)
