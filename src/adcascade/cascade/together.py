"""Together: a ranker trained by several processes, from the side of the process that asks for it. Imports torch.

The order is written where all processes see it, they are launched, and what they came to is read back. The folder goes
when the bundle is written: `Together.forget`.
"""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from adcascade.cascade.learn_ranking import Learner, Trained
from adcascade.cascade.ranking_worker import (
    ORDER,
    PROGRESS,
    TELL_EVERY_S,
    RankingOrder,
    Told,
    read_order,
    taught,
    train_here,
)
from adcascade.errors import ConfigurationError
from adcascade.events.samples import Samples
from adcascade.features.feature import Feature
from adcascade.learning.distributed.launch import Team, launch
from adcascade.learning.distributed.on_ray import launch_on_ray
from adcascade.learning.loop import Progress
from adcascade.sections import TrainSettings

TRAINING = "training"  # folder of orders, checkpoints and results, in the working directory
WORKER = "adcascade.cascade.ranking_worker"
Launch = Callable[[Path], None]  # runs train_worker on the order of this file in all processes, until they have ended


def by_torchrun(team: Team) -> Launch:
    """Launch this machine's processes as torchrun does."""
    return lambda order: launch(WORKER, str(order), team)


def by_ray(team: Team) -> Launch:
    """Launch the processes in a cluster of Ray."""
    return lambda order: launch_on_ray(train_here, str(order), team, order.parent / "ray")


@dataclass(frozen=True, kw_only=True)
class Together:
    """Who trains a ranker together. checkpoint_every: steps; resume: go on with what was begun in the folder."""

    directory: Path
    launch: Launch
    checkpoint_every: int = 1000
    resume: bool = False

    @property
    def folder(self) -> Path:
        """Of the order."""
        return (self.directory / TRAINING).resolve()

    def learner(self, samples: Samples, features: Sequence[Feature], settings: TrainSettings, *, seed: int) -> Learner:
        """Trains by the order of these arguments; to be called once."""
        order = RankingOrder(
            samples=str(samples.folder.resolve()),
            rows=len(samples),
            folder=str(self.folder),
            features=tuple(features),
            settings=settings.model_dump(mode="json"),
            seed=seed,
            checkpoint_every=self.checkpoint_every,
        )
        return lambda progress: self._taught(order, progress)

    def forget(self) -> None:
        """What was trained lies in a bundle: its checkpoints are not needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _taught(self, order: RankingOrder, progress: Progress | None) -> list[Trained]:
        if self.resume:
            self._require_begun(order)
        else:
            self.forget()
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / ORDER
        file.write_bytes(msgspec.json.format(msgspec.json.encode(order), indent=1))
        with _heard(self.folder / PROGRESS, progress):
            self.launch(file)
        return taught(order)

    def _require_begun(self, order: RankingOrder) -> None:
        """DataMissingError where no training was begun, ConfigurationError where another was."""
        begun = read_order(self.folder / ORDER)
        if replace(begun, checkpoint_every=order.checkpoint_every) != order:
            raise ConfigurationError(
                f"the training in {self.folder} was begun with other samples, settings or another seed; "
                "train anew without --resume, or bring them back"
            )


def assist(directory: Path, team: Team) -> None:
    """Be a further machine of a training whose machine 0 writes the order into this folder, which all machines see.

    Its processes start when all machines have come, and by then the order is there.
    """
    launch(WORKER, str((directory / TRAINING).resolve() / ORDER), team)


@contextmanager
def _heard(file: Path, progress: Progress | None) -> Iterator[None]:
    """Pass on what the first process tells, while the block runs."""
    if progress is None:
        yield
        return
    file.unlink(missing_ok=True)
    ended = threading.Event()

    def listen() -> None:
        while not ended.wait(TELL_EVERY_S):
            if file.exists():
                told = msgspec.json.decode(file.read_bytes(), type=Told)
                progress(told.epoch, told.seen, told.loss)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
