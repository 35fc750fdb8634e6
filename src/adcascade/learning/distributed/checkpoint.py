"""Checkpoints: what a training goes on from, with as many processes as wrote it or with others.

    step-000000000400/
        manifest.json       what it is of, how many processes wrote it, the position, the losses, checksums
        dense.pt            weights and optimiser state of the dense part
        weight-K.npy, squares-K.npy    the rows of process K: row r of the table lies in file r mod N, at r // N

A folder is written beside under another name, with everything on disk, and then renamed: what has its name is whole.
The newest `KEPT` stay; one whose files were damaged since is passed over. All machines must see the folder.
"""

import os
import shutil
import zlib
from pathlib import Path

import msgspec
import numpy as np
import structlog
import torch

from adcascade.errors import ConfigurationError, InternalError
from adcascade.learning.distributed.sampling import Position
from adcascade.learning.distributed.sharded import ShardedEmbedding
from adcascade.learning.distributed.world import World
from adcascade.learning.model import ScoringModel
from adcascade.nn.table import Floats

FORMAT = 1
KEPT = 2
MANIFEST = "manifest.json"
TABLE = ("weight", "squares")


class Sofar(msgspec.Struct, kw_only=True):
    """How far a training has got. losses: of each epoch, the sum over its samples and their number."""

    position: Position = Position()
    step: int = 0
    seen: int = 0  # samples of all epochs
    losses: list[tuple[float, int]] = []


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """manifest.json. of: names the training; checksums: CRC-32 by file."""

    format: int
    of: str
    processes: int
    sofar: Sofar
    checksums: dict[str, int]


class Checkpoints:
    """The checkpoints of one training, every `every` steps; 0: none. All methods but `due` are collective."""

    def __init__(self, folder: Path, world: World, *, of: str, every: int) -> None:
        self.folder, self.world, self.of, self.every = folder, world, of, every

    def due(self, step: int) -> bool:
        """Whether one is to be written after so many steps."""
        return self.every > 0 and step % self.every == 0

    def write(
        self, sofar: Sofar, model: ScoringModel, optimiser: torch.optim.Optimizer, table: ShardedEmbedding
    ) -> None:
        """InternalError where the processes' dense parts have come apart."""
        name = f"step-{sofar.step:012d}"
        partial = self.folder / f"{name}.partial"
        if self.world.first:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        self.world.wait()
        checksums = {}
        for kind, values in table.shard().items():
            file = partial / f"{kind}-{self.world.rank}.npy"
            with file.open("wb") as out:
                np.save(out, values)
            checksums[file.name] = _settled(file)
        if self.world.first:
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save(state, partial / "dense.pt")
            checksums["dense.pt"] = _settled(partial / "dense.pt")
        told = self.world.all_of((checksums, _print_of(model)))
        if len({dense for _, dense in told}) > 1:
            raise InternalError(f"after step {sofar.step} the dense parts of {self.world.size} processes differ")
        if self.world.first:
            manifest = Manifest(
                format=FORMAT,
                of=self.of,
                processes=self.world.size,
                sofar=sofar,
                checksums={file: sum_ for files, _ in told for file, sum_ in files.items()},
            )
            (partial / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
            _settled(partial / MANIFEST)
            self._name(partial, self.folder / name)
        self.world.wait()

    def resume(self, model: ScoringModel, optimiser: torch.optim.Optimizer, table: ShardedEmbedding) -> Sofar:
        """Fill all three from the newest whole checkpoint and say how far it had got; where there is none, nowhere.

        ConfigurationError where it is of another training.
        """
        found = self.world.agreed(self._newest() if self.world.first else None)
        if found is None:
            return Sofar()
        folder, manifest = found
        if manifest.of != self.of:
            raise ConfigurationError(
                f"{folder} belongs to another training: samples, settings or seed have changed since; "
                "train anew without --resume, or bring them back"
            )
        state = torch.load(folder / "dense.pt", weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        table.load_shard({kind: _rows_of(folder, kind, manifest.processes, table) for kind in TABLE})
        sofar: Sofar = manifest.sofar
        return sofar

    def _newest(self) -> tuple[Path, Manifest] | None:
        """The newest whole one."""
        for folder in sorted(self.folder.glob("step-*[0-9]"), reverse=True):
            if not (folder / MANIFEST).exists():
                continue  # was being removed
            manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
            damaged = [name for name, sum_ in manifest.checksums.items() if _checksum(folder / name) != sum_]
            if not damaged:
                return folder, manifest
            structlog.get_logger().warning("checkpoint_damaged", folder=str(folder), files=damaged)
        return None

    def _name(self, partial: Path, final: Path) -> None:
        """Make a checkpoint whole by its name; older ones go."""
        shutil.rmtree(final, ignore_errors=True)
        partial.replace(final)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        for old in sorted(self.folder.glob("step-*[0-9]"))[:-KEPT]:
            shutil.rmtree(old)


def _rows_of(folder: Path, kind: str, processes: int, table: ShardedEmbedding) -> Floats:
    """The rows that a process owns now, from the files of those who wrote them."""
    owned = np.arange(table.owned.start, table.owned.stop, table.owned.step)
    found: Floats | None = None
    for writer in range(processes):
        values = np.load(folder / f"{kind}-{writer}.npy", mmap_mode="r")
        if found is None:
            found = np.empty((len(owned), *values.shape[1:]), np.float32)
        ours = owned % processes == writer
        found[ours] = values[owned[ours] // processes]
    if found is None:
        raise InternalError(f"{folder} says that no process wrote it")
    return found


def _print_of(model: ScoringModel) -> int:
    """A checksum of all weights."""
    found = 0
    for one in model.state_dict().values():
        found = zlib.crc32(one.detach().cpu().contiguous().numpy().tobytes(), found)
    return found


def _settled(file: Path) -> int:
    """Wait until a file is on disk; its checksum."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
    found = _checksum(file)
    if found is None:
        raise InternalError(f"{file} was written and is not there")
    return found


def _checksum(file: Path) -> int | None:
    """CRC-32 of a file; None where there is none."""
    if not file.exists():
        return None
    found = 0
    with file.open("rb") as opened:
        while part := opened.read(1 << 20):
            found = zlib.crc32(part, found)
    return found
