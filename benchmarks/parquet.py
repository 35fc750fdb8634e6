"""Parquet to tensors: a sample set read as batches, beside torch's DataLoader and a bare loop over row groups.

The set has forty int32 columns (of 10, 100 ... 100,000 values by Zipf's law) and a label, in zstd row groups of
65,536 rows, as samples are kept. We read it as training does: Samples, LabelledBlocks, batches of torch tensors.
The columns are declared as numbered elsewhere, as a vocabulary of numbers, or hold texts. The bare loop copies each row
group of the integers into a column-major matrix and cuts that into batches: no labels, no encoding, no shuffling. The
DataLoader has all rows as tensors in memory already. The floor is a memory-mapped .npy of the same numbers.

By CPU time everything runs in one thread; by the wall clock a second one reads ahead, as LabelledBlocks.of does.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch.utils.data import DataLoader, TensorDataset

from adcascade.bench import Bar, Row
from adcascade.bench.rounds import alternate, figure, rates
from adcascade.events.samples import Samples, SampleWriter
from adcascade.features import Encoder, Feature
from adcascade.learning.labelled import Labelled, LabelledBlocks
from adcascade.learning.loop import shuffled

SIZES = (10, 100, 1000, 10_000, 100_000)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--rows", type=int, default=262_144, help="of the set")
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loader-rows", type=int, default=40_960, help="rows that the DataLoader is timed on")
    parser.add_argument(
        "--cores", type=int, default=os.cpu_count() or 1, help="that Arrow decodes on by the wall clock"
    )
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu", help="CPU time of all threads, or wall time")


def run(given: argparse.Namespace) -> list[Row]:
    """Our reader by declaration, beside the loop and the DataLoader."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numbers = drawn(np.random.default_rng(0), given)
        for kind in ("numbers", "texts"):
            write(folder / kind, kind, numbers)
        np.save(folder / "floor.npy", numbers)
        ours = {
            "integers, numbered": blocks(folder / "numbers", "index", given),
            "integers, vocabulary": blocks(folder / "numbers", "categorical", given),
            "texts, vocabulary": blocks(folder / "texts", "categorical", given),
        }
        judge(ours, given)
        calls: dict[str, Callable[[], object]] = {name: partial(read, one, given.batch) for name, one in ours.items()}
        first = ours["integers, numbered"]
        calls["integers, numbered, shuffled"] = lambda: drain(shuffled(first, given.batch, np.random.default_rng(0)))
        calls["loop"] = lambda: loop(folder / "numbers", given)
        calls["floor"] = lambda: mapped(folder / "floor.npy", given)
        clock = time.process_time if given.clock == "cpu" else time.perf_counter
        spent = alternate(calls, rounds=given.rounds, clock=clock)
        both = blocks(folder / "numbers", "index", given, ahead=1)  # as LabelledBlocks.of reads: two threads
        pair = {"ours": lambda: read(both, given.batch), "loader": lambda: loaded(numbers, given)}
        with ExitStack() as after:
            after.callback(pa.set_cpu_count, pa.cpu_count())
            pa.set_cpu_count(given.cores)  # with OMP_NUM_THREADS=1 Arrow would decode on one
            walls = alternate(pair, rounds=given.rounds, clock=time.perf_counter)
        return _rows(spent, walls, given)


def _rows(spent: dict[str, list[float]], walls: dict[str, list[float]], given: argparse.Namespace) -> list[Row]:
    found = {name: figure(rates(seconds, given.rows / 1e6)) for name, seconds in spent.items()}
    ours = figure(rates(walls["ours"], given.rows / 1e6))
    loader = figure(rates(walls["loader"], min(given.loader_rows, given.rows) / 1e6)).median
    least = {"integers, numbered": 0.8, "texts, vocabulary": 0.3}
    rows = []
    for name in (name for name in found if name not in ("loop", "floor")):
        bar = Bar(of="ratio", least=least[name]) if name in least else None
        rows.append(
            Row(
                name=name,
                value=found[name].median,
                spread=found[name].spread,
                unit="M rows/CPU-s" if given.clock == "cpu" else "M rows/s",
                peer="pyarrow, a column-major loop",
                peer_value=found["loop"].median,
                floor=found["floor"].median,
                floor_of="memory-mapped .npy",
                bar=bar,
                note=f"{given.rows:,} rows of {given.columns} columns in batches of {given.batch}",
            )
        )
    beside = Row(
        name="integers, numbered: wall clock, with Arrow's threads",
        value=ours.median,
        spread=ours.spread,
        unit="M rows/s",
        peer="DataLoader over a TensorDataset",
        peer_value=loader,
        bar=Bar(of="ratio", least=40),
        note=f"a table is decoded ahead, {given.cores} cores",
    )
    return [beside, *rows]


def drawn(random: np.random.Generator, given: argparse.Namespace) -> np.ndarray:
    """int32 [columns, rows]."""
    columns = []
    for place in range(given.columns):
        size = SIZES[place % len(SIZES)]
        weight = 1 / np.arange(1, size + 1) ** 1.05
        columns.append(random.choice(size, given.rows, p=weight / weight.sum()).astype(np.int32))
    return np.stack(columns)


def names(count: int) -> list[str]:
    """Of the columns."""
    return [f"c{place}" for place in range(count)]


def write(folder: Path, kind: str, numbers: np.ndarray) -> None:
    """The sample set, its columns as numbers or as texts of eight letters."""
    table = {"click": pa.array((numbers[0] % 2).astype(np.float32))}
    for name, column in zip(names(len(numbers)), numbers, strict=True):
        words = np.array([f"{value * 2654435761 % 2**32:08x}" for value in range(int(column.max()) + 1)])
        table[name] = pa.array(column) if kind == "numbers" else pa.array(words[column], pa.string())
    with SampleWriter(folder, source="bench", features=[]) as writer:
        writer.write(pa.table(table))


def blocks(folder: Path, kind: str, given: argparse.Namespace, ahead: int = 0) -> LabelledBlocks:
    """The set as training reads it, the encoder fitted."""
    samples, columns = Samples(folder), ["click", *names(given.columns)]
    declared = [
        Feature(name=name, side="user", kind=kind, buckets=SIZES[place % len(SIZES)] if kind == "index" else 0)  # type: ignore[arg-type]
        for place, name in enumerate(columns[1:])
    ]
    return LabelledBlocks(
        Encoder.fit(declared, samples.tables(columns)), lambda: samples.tables(columns, dictionaries=True), ahead=ahead
    )


def judge(ours: dict[str, LabelledBlocks], given: argparse.Namespace) -> None:
    """RuntimeError where the numbers and their texts do not find as many different rows in the same places."""
    ids = [next(iter(one)).batch.ids for one in ours.values()]
    for column in range(given.columns):
        found = [np.unique(one[:, column], return_inverse=True)[1] for one in ids]
        if not all(np.array_equal(np.bincount(found[0]).max(), np.bincount(one).max()) for one in found):
            raise RuntimeError(f"column {column} is not encoded alike from numbers and from texts")


def read(blocks: Iterable[Labelled], size: int) -> None:
    """Every block in batches, in its order."""
    drain(block.take(slice(start, start + size)) for block in blocks for start in range(0, len(block), size))


def drain(batches: Iterable[Labelled]) -> None:
    """Turn batches into tensors."""
    for batch in batches:
        torch.from_numpy(batch.batch.ids), torch.from_numpy(batch.label), torch.from_numpy(batch.weight)


def loop(folder: Path, given: argparse.Namespace) -> None:
    """The bare loop."""
    wanted = names(given.columns)
    for path in sorted(folder.glob("part-*.parquet")):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=wanted)
                matrix = np.empty((given.columns, len(table)), np.int32)
                for place in range(given.columns):
                    matrix[place] = table.column(place).to_numpy()
                whole = torch.from_numpy(matrix)
                for start in range(0, len(table), given.batch):
                    whole[:, start : start + given.batch]


def mapped(path: Path, given: argparse.Namespace) -> None:
    """Batches copied out of a mapped file."""
    numbers = np.load(path, mmap_mode="r")
    for start in range(0, given.rows, given.batch):
        torch.from_numpy(np.array(numbers[:, start : start + given.batch]))


def loaded(numbers: np.ndarray, given: argparse.Namespace) -> None:
    """torch's own."""
    ids = torch.from_numpy(numbers[:, : given.loader_rows].T.astype(np.int64))  # [B, F]
    for _ in DataLoader(TensorDataset(ids, torch.zeros(len(ids))), batch_size=given.batch):
        pass
