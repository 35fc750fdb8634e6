"""Laws of checkpoints: whole or not there, of one training, and small in number."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.learning.distributed.processes import together
from tests.learning.distributed.small_world import TRAINING, encoder, model_of

from adcascade.errors import ConfigurationError, InternalError
from adcascade.learning.distributed.checkpoint import KEPT, Checkpoints, Sofar
from adcascade.learning.distributed.sharded import ShardedEmbedding
from adcascade.learning.distributed.world import World
from adcascade.learning.loop import Step
from adcascade.nn.packed import TableConfig
from adcascade.ranking.dcn_v2 import DCNv2


class Kept:
    """A model, its optimiser and its table, in a world of one."""

    def __init__(self, folder: Path, of: str = "this") -> None:
        self.model: DCNv2 = model_of(encoder())
        self.table = ShardedEmbedding(20, TableConfig(width=4), World())
        self.optimiser = Step(self.model, self.table, TRAINING).optimiser
        self.checkpoints = Checkpoints(folder, World(), of=of, every=10)

    def write(self, step: int) -> None:
        """At a step that leaves its number in model and table."""
        torch.nn.init.constant_(self.model.last.bias, float(step))
        self.table.load_state_dict({name: np.full_like(v, step) for name, v in self.table.state_dict().items()})
        self.checkpoints.write(Sofar(step=step), self.model, self.optimiser, self.table)

    def resume(self) -> tuple[int, float, float]:
        """The steps that it says, that the model and that the table bear."""
        sofar = self.checkpoints.resume(self.model, self.optimiser, self.table)
        return sofar.step, float(self.model.last.bias.detach()), float(self.table.look_up(np.array([3]))[0, 0])


def test_the_newest_counts_and_old_ones_go(tmp_path: Path) -> None:
    """After many, the newest is resumed, a few stay, and nothing half-written lies about."""
    for step in (10, 20, 30, 40):
        Kept(tmp_path).write(step)
    assert Kept(tmp_path).resume() == (40, 40.0, 40.0)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["step-000000000030", "step-000000000040"]
    assert KEPT == 2


@pytest.mark.parametrize("file", ["weight-0.npy", "squares-0.npy", "dense.pt"])
@pytest.mark.parametrize("damage", ["one byte", "gone"])
def test_a_damaged_one_is_passed_over(tmp_path: Path, file: str, damage: str) -> None:
    """One byte that differs, or a file that is not there: the one before is resumed."""
    for step in (10, 20):
        Kept(tmp_path).write(step)
    path = tmp_path / "step-000000000020" / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    if damage == "gone":
        path.unlink()
    assert Kept(tmp_path).resume() == (10, 10.0, 10.0)


def test_what_was_being_written_does_not_count(tmp_path: Path) -> None:
    """A folder that has not been given its name is no checkpoint, and the next write of that step replaces it."""
    Kept(tmp_path).write(10)
    (tmp_path / "step-000000000010").rename(tmp_path / "step-000000000020.partial")
    assert Kept(tmp_path).resume()[0] == 0
    Kept(tmp_path).write(20)
    assert Kept(tmp_path).resume() == (20, 20.0, 20.0)


def test_another_training_is_not_gone_on_with(tmp_path: Path) -> None:
    """The error says what to do."""
    Kept(tmp_path).write(10)
    with pytest.raises(ConfigurationError, match="without --resume"):
        Kept(tmp_path, of="another").resume()


def test_one_is_due_every_so_many_steps(tmp_path: Path) -> None:
    """And never where they were not asked for."""
    every = Checkpoints(tmp_path, World(), of="", every=10)
    assert [step for step in range(1, 41) if every.due(step)] == [10, 20, 30, 40]
    assert not any(Checkpoints(tmp_path, World(), of="", every=0).due(step) for step in range(1, 41))


def come_apart(world: World, folder: Path) -> str:
    """Processes whose dense parts differ write a checkpoint; what it said."""
    kept = Kept(folder)
    kept.table = ShardedEmbedding(20, TableConfig(width=4), world)
    torch.nn.init.constant_(kept.model.last.bias, float(world.rank))
    checkpoints = Checkpoints(folder, world, of="this", every=1)
    try:
        checkpoints.write(Sofar(step=1), kept.model, kept.optimiser, kept.table)
    except InternalError as error:
        return str(error)
    return ""


def test_processes_that_have_come_apart_are_found(tmp_path: Path) -> None:
    """Dense parts that differ are no checkpoint: every process says so."""
    assert all("differ" in said for said in together(2, come_apart, tmp_path))
    assert not list(tmp_path.glob("step-*[0-9]"))
