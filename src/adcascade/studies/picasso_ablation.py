"""The ablation: `fit` on a log of texts with all three techniques, and with each of them left out.

    full              one packed table, one batch ahead, hot rows in memory and the others in a file
    − packing         for each field a table in memory and torch's operators
    − interleaving    nothing runs ahead
    − caching         all rows in the file, none in memory
    all in memory     as full, but without a file: for machines with memory enough
    plain loop        all in memory, nothing ahead; the losses of the others are compared with its, step by step

The variants take turns. Instances a second are by the wall clock, which other work on the machine disturbs; the CPU
time of the thread that trains is what remains of a step where a core is free for the others.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from adcascade.bench.rounds import figure
from adcascade.learning.loop import Training, fit, gather, shuffled
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.cached import CacheConfig, CachedEmbedding
from adcascade.nn.inputs import Inputs, flat
from adcascade.nn.packed import PackedEmbedding
from adcascade.nn.per_field import PerFieldEmbedding
from adcascade.nn.table import EmbeddingTable
from adcascade.studies.picasso_world import TABLE, Log

FULL, MEMORY, PLAIN = "full", "all in memory", "plain loop"
NO_PACKING, NO_INTERLEAVING, NO_CACHING = "− packing", "− interleaving", "− caching"
VARIANTS = (PLAIN, NO_PACKING, NO_INTERLEAVING, NO_CACHING, MEMORY, FULL)


class Network(ScoringModel):
    """F·K - 128 - 1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.layers = nn.Sequential(nn.Linear(shape.request_flat + shape.ad_flat, 128), nn.ReLU(), nn.Linear(128, 1))

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's embeddings end to end."""
        return (flat(user),)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        logits: Tensor = self.layers(torch.cat((state[0], flat(ads)), dim=1)).squeeze(1)
        return logits


@dataclass(frozen=True, slots=True)
class Trained:
    """Of one training: the loss of every step, seconds by the wall clock, and CPU seconds of the trainer's thread."""

    losses: list[float]
    wall: float
    trainer: float


class Trial:
    """Trains the same network on the same log by any of the variants."""

    def __init__(self, log: Log, folder: Path, *, batch: int, hot_share: float, seed: int) -> None:
        self.log, self._folder, self._hot_share, self._seed = log, folder, hot_share, seed
        self.training = Training(batch_size=batch, seed=seed)

    def table(self, variant: str) -> EmbeddingTable:
        """A new table."""
        encoder = self.log.encoder
        if variant == NO_PACKING:
            names = [feature.name for feature in encoder.features]
            return PerFieldEmbedding([len(encoder.field_rows(name)) for name in names], TABLE, seed=self._seed)
        if variant in {MEMORY, PLAIN}:
            return PackedEmbedding(encoder.rows, TABLE, seed=self._seed)
        hot = 0 if variant == NO_CACHING else round(self._hot_share * encoder.rows)
        cache = CacheConfig(hot_rows=hot, warm_up=4, flush_every=16)
        return CachedEmbedding(encoder.rows, TABLE, cache, self._folder, seed=self._seed)

    def __call__(self, variant: str) -> Trained:
        """One epoch."""
        torch.manual_seed(self._seed)
        table, model = self.table(variant), Network(Shape.of(self.log.encoder, TABLE.width))
        losses: list[float] = []
        ahead = 0 if variant in {PLAIN, NO_INTERLEAVING} else 1
        training = Training(batch_size=self.training.batch_size, seed=self._seed, interleave=ahead)
        wall, trainer = time.perf_counter(), time.thread_time()
        fit(model, table, self.log.blocks(), training, progress=lambda *told: losses.append(told[2]))
        return Trained(losses, time.perf_counter() - wall, time.thread_time() - trainer)

    def preparation(self) -> float:
        """CPU seconds of an epoch that go into reading, encoding, shuffling and looking up."""
        table, shape = PackedEmbedding(self.log.encoder.rows, TABLE), Shape.of(self.log.encoder, TABLE.width)
        start = time.thread_time()
        for samples in shuffled(self.log.blocks(), self.training.batch_size, np.random.default_rng(0)):
            gather(table, samples.batch, shape)
        return time.thread_time() - start


def ablation_runs(trial: Trial, rows: int, *, rounds: int) -> dict[str, dict[str, float]]:
    """All variants in turns, after one round that is not counted."""
    found: dict[str, list[Trained]] = {variant: [] for variant in VARIANTS}
    for _ in range(rounds + 1):
        for variant in VARIANTS:
            found[variant].append(trial(variant))
    plain = np.array(found[PLAIN][0].losses)
    prepared = figure([trial.preparation() for _ in range(rounds)]).median
    wall = {variant: figure([run.wall for run in runs[1:]]).median for variant, runs in found.items()}
    trainer = {variant: figure([run.trainer for run in runs[1:]]).median for variant, runs in found.items()}
    measured = {
        variant: {
            "ips": rows / wall[variant],
            "times": wall[PLAIN] / wall[variant],
            "loss_off": max(float(np.abs(np.array(run.losses) - plain).max()) for run in runs),
        }
        for variant, runs in found.items()
    }
    measured[PLAIN]["prepared_share"] = prepared / trainer[PLAIN]
    measured[MEMORY]["trainer_share"] = trainer[MEMORY] / trainer[PLAIN]
    measured[MEMORY]["overlapped"] = (wall[PLAIN] - wall[MEMORY]) / (wall[PLAIN] * prepared / trainer[PLAIN])
    return measured
