"""The worker of a ranker's training: the same function whoever launches it, torchrun or Ray.

An order lies in a folder that all processes see, and what they come to is put beside it, once for each part of the
samples (`parts_to_learn`):

    training/order.json
    training/0/features/             the encoder, fitted by the first process
    training/0/step-*/               checkpoints
    training/0/model.pt, table.npy   the result, there when done.json is

A worker that is started again leaves out the parts that are done, and goes on in the one that is not.
Run by torchrun's machinery as `python -m adcascade.cascade.ranking_worker ORDER`.
"""

import hashlib
import os
import shutil
import sys
import threading
import time
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch.distributed.elastic.multiprocessing.errors import record

from adcascade.cascade.learn_ranking import Trained, new_model, parts_to_learn, recipe_of
from adcascade.errors import DataMissingError
from adcascade.events.samples import Samples
from adcascade.features.encoder import Encoder
from adcascade.features.feature import Feature
from adcascade.features.fitting import columns_of
from adcascade.learning.distributed.checkpoint import Checkpoints
from adcascade.learning.distributed.fit import fit_together
from adcascade.learning.distributed.sharded import ShardedEmbedding
from adcascade.learning.distributed.turns import Turns
from adcascade.learning.distributed.world import World, joined
from adcascade.nn.packed import PackedEmbedding
from adcascade.ranking.recipes import Recipe
from adcascade.sections import TrainSettings

ORDER, DONE, PROGRESS = "order.json", "done.json", "progress.json"
TELL_EVERY_S = 0.5


class RankingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What to learn. samples, folder: paths that mean the same on every machine; settings: of TrainSettings."""

    samples: str
    rows: int  # of the samples
    folder: str
    features: tuple[Feature, ...]
    settings: dict[str, Any]
    seed: int = 0
    checkpoint_every: int = 0

    def train(self) -> TrainSettings:
        """The settings, checked."""
        return TrainSettings.model_validate(self.settings)

    def parts(self) -> list[tuple[Path, Samples]]:
        """Each part of the samples, and where what it teaches is put."""
        parts = parts_to_learn(Samples(self.samples), self.train())
        return [(Path(self.folder) / str(number), rows) for number, rows in enumerate(parts)]


class Told(msgspec.Struct, frozen=True):
    """progress.json: how far the first process has got."""

    epoch: int
    seen: int
    loss: float


def read_order(file: Path) -> RankingOrder:
    """DataMissingError where there is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=RankingOrder)
    except (OSError, msgspec.DecodeError) as error:
        raise DataMissingError(
            f"there is no order to train in {file}: {error}; every machine must see the folder of --dir"
        ) from error


def train_worker(order: RankingOrder, world: World) -> None:
    """Learn every part, with all processes of the world. Collective."""
    for folder, rows in order.parts():
        if not world.agreed((folder / DONE).exists()):
            _learn_part(order, folder, rows, world)


def taught(order: RankingOrder) -> list[Trained]:
    """What the workers came to: of each part, the model with its table in this process."""
    found = []
    for folder, rows in order.parts():
        encoder = Encoder.load(folder / "features")
        recipe = recipe_of(order.train(), rows=len(rows), seed=order.seed)
        model = new_model(encoder, order.train(), recipe)
        model.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
        table = PackedEmbedding(encoder.rows, recipe.table)
        table.load_state_dict(table.state_dict() | {"weight": np.load(folder / "table.npy")})
        found.append(Trained(encoder=encoder, model=model.eval(), table=table, method=order.train().ranking))
    return found


def _learn_part(order: RankingOrder, folder: Path, rows: Samples, world: World) -> None:
    settings = order.train()
    recipe = recipe_of(settings, rows=len(rows), seed=order.seed)
    encoder = _encoder(order, folder, rows, world)
    model = new_model(encoder, settings, recipe)
    table = ShardedEmbedding(encoder.rows, recipe.table, world, seed=order.seed)
    label = rows.label
    turns = Turns(encoder, lambda first: islice(rows.tables(), first, None), recipe.training, world, label=label)
    checkpoints = Checkpoints(folder, world, of=_name_of(encoder, settings, recipe), every=order.checkpoint_every)
    progress = Teller(Path(order.folder)) if world.first else None
    losses = fit_together(model, table, turns, checkpoints=checkpoints, progress=progress)
    table.save(str(folder / "table.npy"))
    if world.first:
        torch.save(model.state_dict(), folder / "model.pt")
        _replace(folder / DONE, msgspec.json.encode({"losses": losses}))
    world.wait()


def _encoder(order: RankingOrder, folder: Path, rows: Samples, world: World) -> Encoder:
    """Fitted once, by the first process; a restart finds it."""
    final, partial = folder / "features", folder / "features.partial"
    if world.first and not final.exists():
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        Encoder.fit(order.features, rows.tables(columns_of(order.features))).save(partial)
        partial.replace(final)
    world.wait()
    return Encoder.load(final)


def _name_of(encoder: Encoder, settings: TrainSettings, recipe: Recipe) -> str:
    """Names a training: what must be the same for its checkpoints to be gone on with."""
    plain = (encoder.fingerprint, settings.ranking, asdict(recipe))
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


class Teller:
    """Writes progress where the launching process reads it, now and then."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / PROGRESS
        self._last = 0.0

    def __call__(self, epoch: int, seen: int, loss: float) -> None:
        """A `Progress`."""
        now = time.monotonic()
        if now - self._last >= TELL_EVERY_S:
            self._last = now
            _replace(self.file, msgspec.json.encode(Told(epoch, seen, loss)))


def _replace(file: Path, content: bytes) -> None:
    """Write a whole file or none."""
    partial = file.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(file)


def _end_with(parent: int) -> None:
    """Do not outlive the process that launched this one, however it died."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def train_here(order: str) -> None:
    """One process of Ray's, which has joined the process group already."""
    train_worker(read_order(Path(order)), World.here())


@record
def main() -> None:
    """One process of torchrun's: its rank and the others' address are in the environment."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with joined() as world:
        train_worker(read_order(Path(sys.argv[1])), world)


if __name__ == "__main__":
    main()
